#include <kvx/eval/records/record.hpp>

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "support/error_of.hpp"
#include "support/json_of.hpp"

using namespace kvx;

namespace {
/// A task whose metrics and values of parts are not in alphabetical order.
struct Unsorted {
  static constexpr std::string_view name = "tool_call";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "y"}, {.name = "x"}}};
    return kMetrics;
  }
  static std::span<const Metric> part_metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "strict"}, {.name = "loose"}}};
    return kMetrics;
  }
  static std::span<const State> states() { return {}; }
  Grade grade(const Sample&, std::string_view) const { return {}; }
};
const TaskRegistry kTasks = [] {
  TaskRegistry tasks;
  tasks.add<Unsorted>();
  return tasks;
}();

Record example_record() {
  return {.key = "0123456789abcdef",
          .model = "m",
          .task = "tool_call",
          .press = "snapkv(window=32, kernel=5)",
          .ratio = 0.1 + 0.2,
          .index = 7,
          .sample = {"con\ntext \u4e2d", "q\"", "pre", "{\"a\": 1}", "tool_call_08", 64, "sys<kvx:a>tem</kvx:a>"},
          .predicted_answer = std::string("a\0b\x1f", 4),
          .grade = {.state = "exact",
                    .metrics = {std::nullopt, 1.0 / 3},
                    .detail = "why",
                    .parts = {{"keywords:existence", {0, 1}}, {"b", {0.5, 0.25}}}},
          .kept_bytes = 5,
          .full_bytes = std::numeric_limits<std::size_t>::max(),
          .budget = "keep=9",
          .query_aware = true,
          .attempt = 3,
          .entropy = {0, 1.25}};
}
std::string replaced(std::string text, const std::string& pattern, const std::string& replacement) {
  REQUIRE(text.find(pattern) != text.npos);
  return text.replace(text.find(pattern), pattern.size(), replacement);
}
}  // namespace

TEST_CASE("A record is one line, from which the same record is read") {
  const Record record = example_record();
  const std::string line = to_json(record, kTasks);
  CHECK(line.find('\n') == line.npos);
  const Record back = record_of(JsonlRow(line, "f"), kTasks);
  CHECK(to_json(back, kTasks) == line);
  CHECK(back.key == record.key);
  CHECK(back.model == record.model);
  CHECK(back.task == record.task);
  CHECK(back.press == record.press);
  CHECK(back.ratio == record.ratio);
  CHECK(back.cell() == record.cell());
  CHECK(back.query_aware);
  CHECK(back.attempt == 3);
  CHECK(back.ignored_budget.empty());
  CHECK(back.index == record.index);
  CHECK(back.sample.context == record.sample.context);
  CHECK(back.sample.question == record.sample.question);
  CHECK(back.sample.answer_prefix == record.sample.answer_prefix);
  CHECK(back.sample.answer == record.sample.answer);
  CHECK(back.sample.task == record.sample.task);
  CHECK(back.sample.max_new_tokens == record.sample.max_new_tokens);
  CHECK(back.predicted_answer == record.predicted_answer);
  CHECK(back.grade.state == record.grade.state);
  CHECK(back.grade.detail == record.grade.detail);
  CHECK(back.grade.metrics == record.grade.metrics);
  CHECK(back.kept_bytes == record.kept_bytes);
  CHECK(back.full_bytes == record.full_bytes);
  CHECK(back.sample.system == record.sample.system);
  REQUIRE(back.grade.parts.size() == 2);
  CHECK(back.grade.parts[0].group == "keywords:existence");
  CHECK(back.grade.parts[0].values == record.grade.parts[0].values);
  CHECK(back.entropy == record.entropy);
}

TEST_CASE("A record's line leaves out parts, entropies and a system message if there are none") {
  Record plain = example_record();
  plain.grade.parts.clear();
  plain.entropy.clear();
  plain.sample.system.clear();
  const JsonTree line = json_of(to_json(plain, kTasks));
  for (const char* name : {"parts", "entropy", "system"}) CHECK(line.find(name) == nullptr);
  CHECK(line.object()->size() == 21);
}

TEST_CASE("A record says which budget its press ignores, if any") {
  Record record = example_record();
  CHECK(to_json(record, kTasks).find("ignored_budget") == std::string::npos);
  record.ignored_budget = "kv_bytes=7";
  CHECK(record_of(JsonlRow(to_json(record, kTasks), "f"), kTasks).ignored_budget == "kv_bytes=7");
}

TEST_CASE("A record says how its answer was read, if that is not the default") {
  Record record = example_record();
  for (const char* name : {"thoughts", "tool_forms", "opened_thought"})
    CHECK(json_of(to_json(record, kTasks)).find(name) == nullptr);
  record.reading = {{{"[a]", "[/a]"}, {"<b,>", "</b,>"}}, ToolForms(ToolForms::parameters | ToolForms::string), "[a]"};
  const std::string line = to_json(record, kTasks);
  CHECK(record_of(JsonlRow(line, "f"), kTasks).reading == record.reading);
  const auto message = [&](const std::string& pattern, const std::string& replacement) {
    return error_of([&] { record_of(JsonlRow(replaced(line, pattern, replacement), "f: line 3"), kTasks); });
  };
  CHECK(message("\"close\":\"[/a]\"", "\"close\":\"\"") ==
        "f: line 3: column thoughts: expected objects with a non-empty string close");
  CHECK(message("parameters+string", "openai").starts_with("f: line 3: column tool_forms: "));
}

TEST_CASE("A record's line has the names that other programs read") {
  const std::string text = to_json(example_record(), kTasks);
  const JsonTree line = json_of(text);
  CHECK(*line.find("task")->string() == "tool_call_08");
  CHECK(*line.find("graded_as")->string() == "tool_call");
  CHECK(*line.find("budget")->string() == "keep=9");
  CHECK(line.find("ratio")->number()->digits() == "0.30000000000000004");
  CHECK(*line.find("metrics") == json_of(R"({"x": 0.3333333333333333, "y": null})"));
  CHECK(text.find(R"("metrics":{"x":0.3333333333333333,"y":null},)") != text.npos);  // in alphabetical order
  CHECK(text.find(R"({"group":"b","loose":0.25,"strict":0.5})") != text.npos);
  CHECK(line.object()->size() == 24);
  Record odd = example_record();
  odd.grade.metrics[1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(error_of([&] {
          (void)to_json(odd, kTasks);
        }).starts_with("record 7 of " + odd.press + ": metric x: expected a finite number, found "));
  odd.grade.metrics.pop_back();
  CHECK(error_of([&] { (void)to_json(odd, kTasks); }) ==
        "record 7 of " + odd.press + ": missing metric x of task tool_call");
  odd = example_record();
  odd.grade.parts[1].values.pop_back();
  CHECK(error_of([&] { (void)to_json(odd, kTasks); }) ==
        "record 7 of " + odd.press + ": missing value loose of part b");
}

TEST_CASE("A metric that the task does not have is left out") {
  const std::string line = to_json(example_record(), kTasks);
  const std::string more = replaced(line, "\"y\":null", "\"y\":null,\"z\":1");
  CHECK(to_json(record_of(JsonlRow(more, "f"), kTasks), kTasks) == line);
}

TEST_CASE("A line that is not a record is an error that names its column") {
  const std::string line = to_json(example_record(), kTasks);
  const auto message = [&](const std::string& pattern, const std::string& replacement) {
    return error_of([&] { record_of(JsonlRow(replaced(line, pattern, replacement), "f: line 3"), kTasks); });
  };
  CHECK(message("\"index\":7", "\"index\":-7") == "f: line 3: column index: expected a whole number, found -7");
  CHECK(message("\"index\":7", "\"index\":1e2") == "f: line 3: column index: expected a whole number, found 1e2");
  CHECK(message("\"index\":7", "\"index\":18446744073709551616") ==
        "f: line 3: column index: expected a whole number, found 18446744073709551616");
  CHECK(message("\"index\":7", "\"index\":\"7\"") ==
        "f: line 3: column index: expected a whole number, found a string");
  CHECK(message("\"ratio\":0.30000000000000004", "\"ratio\":NaN") ==
        "f: line 3: column ratio: expected a number, found NaN");
  CHECK(message("\"ratio\":0.30000000000000004", "\"ratio\":7") == "f: line 3: column ratio: expected 0 to 1, found 7");
  CHECK(message("\"ratio\":0.30000000000000004", "\"ratio\":-0.5") ==
        "f: line 3: column ratio: expected 0 to 1, found -0.5");
  CHECK(message("\"y\":null", "\"y\":true") == "f: line 3: column metrics.y: expected a number, found a boolean");
  CHECK(message("{\"x\":0.3333333333333333,\"y\":null}", "[]") ==
        "f: line 3: column metrics: expected an object, found an array");
  CHECK(message("\"entropy\":[0,", "\"entropy\":[null,") == "f: line 3: column entropy: expected a number, found null");
  CHECK(message("{\"group\":\"b\"", "{\"group\":1") == "f: line 3: column parts: expected objects with a string group");
  CHECK(message("\"strict\":0.5", "\"strict\":{}") ==
        "f: line 3: column parts.strict: expected a number, found an object");
  CHECK(message("\"x\":0.3333333333333333,", "") == "f: line 3: missing column metrics.x");
  CHECK(message("\"strict\":0.5", "\"strict\":null") ==
        "f: line 3: column parts.strict: expected a number, found null");
  CHECK(message(",\"strict\":0.5", "") == "f: line 3: missing column parts.strict");
  CHECK(message("\"graded_as\":\"tool_call\"", "\"graded_as\":\"tool_cal\"")
            .starts_with("f: line 3: task 'tool_cal': unknown task; did you mean tool_call?"));
  CHECK(message("\"graded_as\"", "\"graded\"") == "f: line 3: missing column graded_as");
  CHECK(message("\"state\":\"exact\"", "\"state\":1") == "f: line 3: column state: expected a string, found a number");
}
