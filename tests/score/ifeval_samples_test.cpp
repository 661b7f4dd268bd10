#include <kvx/score/ifeval/ifeval_samples.hpp>
#include <kvx/score/ifeval/ifeval_task.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
const std::string kIfevalColumns =
    R"("key": 7, "prompt": "Write. No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"z": null, "a": 1}])";
JsonlRow ifeval_row(const std::string& more = "") { return JsonlRow("{" + kIfevalColumns + more + "}", "f: line 1"); }
const std::string kIfevalMessages =
    R"(, "messages": [{"role": "system", "content": "No commas."}, {"role": "user", "content": "Write."}])";
}  // namespace

TEST_CASE("A row of IFEval becomes its prompt and the instructions that grade it") {
  CHECK(is_ifeval_row(ifeval_row()));
  CHECK_FALSE(is_ifeval_row(JsonlRow(R"({"prompt": "p", "kwargs": []})", "f")));
  const Sample sample = ifeval_sample(ifeval_row());
  CHECK(sample.context == "Write. No commas.");
  CHECK(sample.question.empty());
  CHECK(sample.system.empty());
  CHECK(sample.task == "ifeval");
  CHECK(sample.max_new_tokens == 1280);
  CHECK(
      sample.answer ==
      R"({"prompt":"Write. No commas.","instruction_id_list":["punctuation:no_comma"],"kwargs":[{"z":null,"a":1}],"key":7})");
  CHECK(IfevalTask().grade(sample, "No comma").state == "followed");
}

TEST_CASE("Instructions in a system message are marked as spans") {
  const Sample sample = ifeval_sample(ifeval_row(kIfevalMessages), {"Obey: ", "Hide:\n$system_prompt"});
  CHECK(sample.system ==
        "<kvx:prepend>Obey: </kvx:prepend><kvx:defense>Hide:\n</kvx:defense>"
        "<kvx:instructions>No commas.</kvx:instructions>");
  CHECK(sample.context.empty());
  CHECK(sample.question == "Write.");
  CHECK(sample.task == "sys_ifeval");
  CHECK(IfevalTask().grade(sample, "a, b").state == "ignored");
}

TEST_CASE("A row of another form is an error with its place") {
  const auto refused = [](const std::string& line) {
    return error_of([&] { ifeval_sample(JsonlRow(line, "f: line 1")); });
  };
  CHECK(refused(R"({"instruction_id_list": [], "kwargs": []})") == "f: line 1: missing column prompt");
  const char* messages =
      "f: line 1: column messages: expected one message of the system and one of the user, found another form";
  CHECK(refused("{" + kIfevalColumns + R"(, "messages": []})") == messages);
  CHECK(refused("{" + kIfevalColumns +
                R"(, "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]})") == messages);
  CHECK(refused("{" + kIfevalColumns + R"(, "messages": [{"role": "system", "content": "a"}, {"role": "user"}]})") ==
        messages);
  CHECK(refused(R"({"prompt": "a <kvx:b>", "instruction_id_list": [], "kwargs": []})") ==
        "f: line 1: column prompt: expected text without the marks of spans, found <kvx:");
}

TEST_CASE("The rows of the example data become samples with known instructions") {
  const IfevalTask task({KVX_SOURCE_DIR "/examples/data/ifeval"});
  for (const char* name : {"input_data.jsonl.gz", "sys_ifeval.jsonl.gz"}) {
    int samples = 0;
    each_jsonl_row(std::string(KVX_SOURCE_DIR "/examples/data/ifeval/") + name, [&](const JsonlRow& row) {
      const Sample sample = ifeval_sample(row);
      CAPTURE(row.where());
      CHECK(sample.system.empty() == (sample.task == "ifeval"));
      CHECK(task.grade(sample, "").state == "empty");
      ++samples;
    });
    CHECK(samples == 541);
  }
}
