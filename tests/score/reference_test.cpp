// A task's reference is an answer that the task itself grades as right.
#include <doctest/doctest.h>
#include <kvx/io/text_file.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/tasks.hpp>

#include <cstddef>
#include <string>

#include "support/reference.hpp"

using namespace kvx;

namespace {

/// Checks that all references of a file are right answers, and returns their number.
std::size_t right_references(const AnyTask& task, const std::string& path, bool completion = false) {
  const SampleFile file = task.samples(path, read_text_file(path), {completion});
  for (std::size_t s = 0; s < file.samples.size(); ++s) {
    const Grade grade = task.grade(file.samples[s], *task.reference(file.samples[s]));
    CAPTURE(file.places[s]);
    if (task.name() == "tool_call")
      CHECK((grade.state == "exact" || grade.state == "declined"));
    else
      CHECK(grade.metrics.at(1) == 1.0);  // edit_similarity
  }
  return file.samples.size();
}

const std::string kExamples = std::string(KVX_SOURCE_DIR) + "/examples/data/";

}  // namespace

TEST_CASE("References of tool calls are exact") {
  const AnyTask task{ToolCallTask()};
  CHECK(right_references(task, kExamples + "tool_world.jsonl.gz") == 120);
  CHECK(right_references(task, kExamples + "tool_call.jsonl.gz") == 191);
  const Sample sample{"", "", "", R"({"name": "f", "arguments": {"a": 1, "b": ["x", null]}, "schema": {}})", "", 1};
  CHECK(*task.reference(sample) == R"({"name": "f", "arguments": {"a": 1, "b": ["x", null]}})");
}

TEST_CASE("References of programs are the reference solutions, in the form that is asked for") {
  const AnyTask task{CodeExecTask()};
  CHECK(right_references(task, kExamples + "code.jsonl") == 20);
  CHECK(right_references(task, kExamples + "humaneval.jsonl.gz") == 164);
  CHECK(right_references(task, kExamples + "humaneval.jsonl.gz", true) == 164);
  const SampleFile completion =
      task.samples(kExamples + "humaneval.jsonl.gz", read_text_file(kExamples + "humaneval.jsonl.gz"), {true});
  CHECK(task.reference(completion.samples[0])->starts_with("    for idx, elem in enumerate(numbers):"));
}
