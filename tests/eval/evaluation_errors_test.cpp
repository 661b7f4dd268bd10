// Errors of a run.
#include <doctest/doctest.h>
#include <kvx/eval/run/evaluation.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "support/error_of.hpp"
#include "support/vowels_run.hpp"

using namespace kvx;
using kvx_test::Bench;
using kvx_test::kLong;
using kvx_test::kSamples;
using kvx_test::lines_of;
using kvx_test::sample;
using kvx_test::tasks;

TEST_CASE("Errors of a run are reported before a model is loaded or a directory is created") {
  const auto check = [](const std::string& error, const std::function<void(Bench&)>& spoil) {
    Bench bench;
    const std::string model = bench.dir.path() + "/broken";
    bench.dir.write("broken/config.json", "{}");
    bench.options.models = {model};
    spoil(bench);
    const std::string found = error_of([&] { Evaluation(bench.options, tasks(), kvx_presses()); });
    CHECK_MESSAGE(found.find(error) != found.npos, found);
    CHECK_FALSE(std::filesystem::exists(bench.options.out));
  };
  const auto data = [](const std::string& text) {
    return [text](Bench& bench) { bench.dir.write("data.jsonl", text); };
  };
  const std::string good = lines_of(kSamples);
  const auto without = [&](const std::string& column) {
    return good + std::string(lines_of({kSamples[0]})).replace(2, 7, column);
  };
  check("data.jsonl: line 6: missing column context", data(without("contest")));
  check("data.jsonl: line 6: expected a JSON object, found", data(good + "not JSON\n"));
  check("data.jsonl: line 1: expected a JSON object, found", data("[]\n" + good));
  check("data.jsonl: expected JSON lines, found an empty file", data(""));
  check("column max_new_tokens: expected a whole number from 1", data(lines_of({sample(kLong, "time", 0)})));
  check("nowhere", [](Bench& bench) { bench.options.data += "/nowhere"; });
  check("data.jsonl: line 6: sample's answer: expected a word, found nothing",
        data(good + lines_of({{kLong, "why?", "", "", "", 1}})));
  check("task 'vowel': unknown task; did you mean vowels?", [](Bench& bench) { bench.options.tasks = {"vowel"}; });
  check("unknown press 'knrm'", [](Bench& bench) { bench.options.presses = {"knrm"}; });
  check("ratio: expected 0 <= ratio < 1, found 1", [](Bench& bench) { bench.options.ratios = {0, 1}; });
  check("keep: expected 1 token or more, found 0", [](Bench& bench) { bench.options.keep = 0; });
  check("skip-ids: expected a key, id or task_id of the data, found nosuch", [](Bench& bench) {
    bench.dir.write("data.jsonl", std::string(lines_of(kSamples)).replace(1, 0, "\"id\": \"a\", "));
    bench.options.skip_ids = {"a", "nosuch"};
  });
  check("template: expected chatml", [](Bench& bench) { bench.options.chat = "chatmk"; });
  check("model no-such-model", [](Bench& bench) { bench.options.models = {"no-such-model"}; });

  Bench bench;
  bench.options.models = {bench.dir.path() + "/broken"};
  bench.dir.write("broken/config.json", "{}");
  CHECK(error_of([&] { Evaluation(bench.options, tasks(), kvx_presses()); }).find("/broken/") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(bench.options.out));
}

TEST_CASE("A context that is too long for the model is an error that names its line") {
  std::string context;
  for (int i = 0; i < 200; ++i) context += kLong;
  Bench bench({sample(kLong, "time"), sample(context, "time")});
  CHECK(bench.error().starts_with(bench.options.data + ": line 2: context and question: expected fewer tokens than"));
  bench.options.max_context_length = 50;
  CHECK(bench.run().answers == 6);
}

TEST_CASE("Too little memory for the weights and a context is an error") {
  Bench bench;
  bench.options.memory = std::size_t{1} << 20;
  CHECK(bench.error().starts_with("memory: expected more than "));
  bench.options.memory = std::size_t{4} << 30;
  CHECK(bench.run().answers == 15);
}
