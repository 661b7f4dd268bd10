#include <kvx/score/grade_file.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <string>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
std::string row(const std::string& task, const std::string& gold, const std::string& predicted) {
  JsonWriter out;
  out.begin_object()
      .key("context")
      .value("c")
      .key("question")
      .value("q")
      .key("answer_prefix")
      .value("")
      .key("answer")
      .value(gold);
  out.key("task").value(task).key("max_new_tokens").value(8).key("predicted_answer").raw(predicted).end_object();
  return out.text() + "\n";
}
const std::string kGold = R"({"name": "f", "arguments": {"n": 1}, "schema": {"type": "object"}})";
}  // namespace

TEST_CASE("A file of any engine's answers is graded by its column task") {
  const TempDir dir;
  const std::string path =
      dir.write("a.jsonl", row("easy", kGold, R"("{\"name\": \"f\", \"arguments\": {\"n\": 1}}")") +
                               row("hard", kGold, R"("{\"name\": \"f\", \"arguments\": {\"n\": 2}}")") +
                               row("hard", kGold, "null") + row("hard", R"({"name": null})", R"("{\"name\": null}")"));
  const JsonTree scores = json_of(grade_file(kvx_tasks(), "tool_call", path));
  const auto figure = [&](const char* group, const char* kind, const char* name, const char* field) {
    return scores.find(group)->find(kind)->find(name)->find(field)->number()->value();
  };
  CHECK(scores.object()->size() == 2);
  CHECK(figure("easy", "metrics", "args_exact", "value") == 1);
  CHECK(figure("hard", "metrics", "args_exact", "value") == 0);
  CHECK(figure("hard", "metrics", "json_valid", "value") == 0.5);
  CHECK(figure("hard", "metrics", "json_valid", "n") == 2);
  CHECK(figure("hard", "metrics", "json_valid", "contexts") == 1);  // all rows have the same
  CHECK(scores.find("hard")->find("metrics")->find("json_valid")->find("low")->is_null());
  CHECK(*scores.find("hard")->find("contexts") == json_of("1"));
  CHECK(*scores.find("hard")->find("note") == json_of("\"fewer than 2 contexts: there is no interval and no p\""));
  CHECK(figure("hard", "summaries", "decline_recall", "value") == 1);
  CHECK(scores.find("easy")->find("summaries")->find("decline_recall")->find("value")->is_null());
  CHECK(*scores.find("hard")->find("states") == json_of(R"({"declined": 1, "unparsed": 1, "wrong_arguments": 1})"));
  CHECK(*scores.find("hard")->find("n") == json_of("3"));
}

TEST_CASE("What cannot be graded is an error with its line") {
  const TempDir dir;
  const auto message = [&](const std::string& text) {
    const std::string path = dir.write("a.jsonl", text),
                      error = error_of([&] { grade_file(kvx_tasks(), "tool_call", path); });
    return error.starts_with(path + ": ") ? error.substr(path.size() + 2) : "elsewhere: " + error;
  };
  const std::string good = row("t", kGold, "\"\"");
  CHECK(message(good + row("t", "Paris", "\"\"")) == "line 2: sample's answer: expected a JSON object, found no JSON");
  CHECK(message(good + row("t", kGold, "1")) == "line 2: column predicted_answer: expected a string, found a number");
  CHECK(message(good + "{}\n") == "line 2: missing column context");
  CHECK(message("") == "expected JSON lines, found an empty file");
  CHECK(error_of([&] { grade_file(kvx_tasks(), "tool-call", "none"); }).starts_with("task 'tool-call': unknown task"));
}
