// Runs that continue earlier ones, and runs that must not.
#include <doctest/doctest.h>
#include <kvx/eval/run/evaluation.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include "support/vowels_run.hpp"

using namespace kvx;
using kvx_test::Bench;
using kvx_test::kSamples;
using kvx_test::lines_of;
using kvx_test::tasks;
using kvx_test::Vowels;

TEST_CASE("A second run answers only what is missing") {
  Bench bench;
  bench.options.samples.samples = 3;
  CHECK(bench.run().answers == 9);
  const std::string first = bench.text();
  const RunTimes again = bench.run();
  CHECK(again.answers == 0);
  CHECK(again.context_tokens == 0);
  CHECK((bench.text() == first));
  bench.options.samples.samples = 0;
  bench.options.threads = 1;
  bench.options.max_batch = 2;
  CHECK(bench.run().answers == 6);
  bench.options.ratios = {0, 0.25, 0.5};
  bench.options.memory *= 2;
  CHECK(bench.run().answers == 10);
  const std::string grown = bench.text();
  bench.options.out += "/anew";
  CHECK(bench.run().answers == 25);
  CHECK((bench.text() == grown));
}

TEST_CASE("A run that was interrupted ends with the same bytes") {
  Bench bench;
  bench.run();
  const std::string whole = bench.text();
  bench.options.out += "/again";
  for (const int graded : {0, 1, 5, 3, 4}) {
    bench.options.max_batch = 1 + graded;
    bench.options.threads = 1 + graded % 3;
    Evaluation evaluation(bench.options, tasks(), kvx_presses());
    Vowels::grades_left = graded;
    CHECK_THROWS_AS(evaluation.run(), std::runtime_error);
    Vowels::grades_left = Vowels::kUnlimited;
  }
  CHECK(bench.records().size() == 13);
  CHECK(bench.run().answers == 2);
  CHECK((bench.text() == whole));
  for (std::size_t size = 0; size < whole.size(); size += whole.size() / 5) {
    CAPTURE(size);
    std::filesystem::resize_file(bench.options.out + "/records.jsonl", size);
    const std::string part = whole.substr(0, size);
    CHECK(bench.run().answers == 15 - static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n')));
    CHECK((bench.text() == whole));
  }
}

TEST_CASE("Records of another model, data, setting or dtype are refused") {
  const auto refused = [](const std::function<void(Bench&)>& change) {
    Bench bench;
    bench.options.presses = {"none"};
    bench.run();
    const std::string before = bench.text();
    change(bench);
    CHECK(bench.error().starts_with(bench.options.out + ": holds records of another run ("));
    CHECK((bench.text() == before));
  };
  refused([](Bench& bench) { bench.options.models = {bench.other_model()}; });
  refused([](Bench& bench) {
    auto samples = kSamples;
    samples.back().question = "who?";
    bench.dir.write("data.jsonl", lines_of(samples));
  });
  refused([](Bench& bench) { bench.options.max_new_tokens = 4; });
  refused([](Bench& bench) { bench.options.max_context_length = 10; });
  refused([](Bench& bench) { bench.options.chat = "none"; });
  refused([](Bench& bench) { bench.options.dtype = Dtype::bf16; });
  refused([](Bench& bench) { bench.options.weights = WeightFormat::int8; });
}

TEST_CASE("An answer that its press cannot finish is recorded, and the grid goes on and can be resumed") {
  Bench bench;
  bench.options.presses = {"knorm", "decoding(protect(knorm, span=system), interval=2, target=9)"};
  bench.run();
  std::size_t ended = 0, graded = 0;
  for (const Record& record : bench.records()) {
    if (record.grade.state != "not_applicable") {
      ++graded;
      continue;
    }
    ++ended;
    CHECK(record.press.starts_with("decoding"));
    CHECK(record.grade.detail == "protect: a prompt without a span system");
    CHECK(record.predicted_answer.empty());
  }
  CHECK(ended >= 3);
  CHECK(graded >= 2 * kSamples.size());
  const std::string text = bench.text();
  CHECK(bench.run().answers == 0);
  CHECK(bench.text() == text);
  for (const bool draft : {false, true}) {
    bench.options.out = bench.dir.path() + (draft ? "/drafted" : "/alone");
    bench.options.draft = draft;
    bench.options.max_batch = draft ? 64 : 1;
    bench.run();
    CHECK(bench.text() == text);
  }
}
