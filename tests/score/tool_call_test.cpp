#include <kvx/score/tool_call.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"

using namespace kvx;

namespace {
Sample sample(std::string answer) { return {"c", "q", "", std::move(answer), "tool_call", 64}; }
const Sample kRequest = sample(
    R"({"name": "f", "arguments": {"n": 1}, "schema": {"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}})");
const Sample kUnserved = sample(R"({"name": null, "arguments": {}})");
const Sample kTwoCalls = sample(
    R"({"functions": [{"name": "f", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}, {"name": "sum", "parameters": {"type": "object", "properties": {"s": {"type": "string"}}}}], "possible": [{"f": {"n": [1, 2]}}, {"sum": {"s": ["a b", ""]}}]})");
std::string state(const Sample& request, std::string_view answer) {
  return ToolCallTask().grade(request, answer).state;
}
}  // namespace

TEST_CASE("Verdicts equal kv-exec-bench's") {
  const std::string shared = kvx_test::environment("KVX_SHARED");
  kvx_test::Tally tally{"tool_call"};
  kvx_test::each_row(
      shared.empty() ? KVX_SOURCE_DIR "/tests/data/toolcall/verdicts.jsonl" : shared + "/data/toolcall/verdicts.jsonl",
      [&](const JsonValue& row) {
        CAPTURE(row.at("id").integer());
        const Grade grade = ToolCallTask().grade(sample(simdjson::minify(row.at("answer").element())),
                                                 row.at("predicted_answer").string());
        bool same = true;
        for (std::size_t m = 0; m < grade.metrics.size(); ++m)
          same = same && grade.metrics[m] == (row.at(ToolCallTask::metric_names()[m]).boolean() ? 1.0 : 0.0);
        CHECK(tally.count(same));
      });
  CHECK(tally.cases > 100);
}

TEST_CASE("An answer has one state, the first thing that is wrong with it") {
  CHECK(state(kRequest, R"(Sure: {"name": "f", "arguments": {"n": 1.0}})") == "exact");
  CHECK(state(kRequest, R"({"name": "f", "arguments": {"n": 2}})") == "wrong_arguments");
  CHECK(state(kRequest, R"({"name": "f", "arguments": {"n": "1"}})") == "schema_invalid");
  CHECK(state(kRequest, R"({"name": "f"})") == "schema_invalid");
  CHECK(state(kRequest, R"({"name": "g", "arguments": {"n": 1}})") == "wrong_name");
  CHECK(state(kRequest, R"({"arguments": {"n": 1}})") == "wrong_name");
  CHECK(state(kRequest, R"({"name": null, "arguments": {}})") == "declined_wrongly");
  CHECK(state(kRequest, "f") == "unparsed");
  CHECK(state(kRequest, "") == "unparsed");
}

TEST_CASE("A request that no tool serves is declined or not, and has no metrics") {
  CHECK(state(kUnserved, R"({"name": null, "arguments": {}})") == "declined");
  CHECK(state(kUnserved, R"({"name": "f", "arguments": {}})") == "called_anyway");
  CHECK(state(kUnserved, R"({"arguments": {}})") == "called_anyway");
  CHECK(state(kUnserved, "I cannot do that.") == "unparsed");
  CHECK(state(kUnserved, "[]") == "declined");
  CHECK(state(kUnserved, R"([{"name": null, "arguments": {}}])") == "declined");
  CHECK(state(kUnserved, R"([{"name": "f", "arguments": {}}])") == "called_anyway");
  CHECK(ToolCallTask().grade(kUnserved, R"({"name": null})").metrics == std::vector<std::optional<double>>(5));
}

TEST_CASE("Several calls have one state, and metrics for all of them") {
  const std::string f = R"({"name": "f", "arguments": {"n": 2}})", g = R"({"name": "sum", "arguments": {"s": "A-B"}})";
  const auto metrics = [](const std::string& answer) {
    std::string bits;
    for (const auto& metric : ToolCallTask().grade(kTwoCalls, answer).metrics) bits += *metric == 1.0 ? '1' : '0';
    return bits;
  };
  const auto check = [&](const std::string& answer, const char* expected_state, const char* expected_metrics) {
    CAPTURE(answer);
    CHECK(state(kTwoCalls, answer) == expected_state);
    CHECK(metrics(answer) == expected_metrics);
  };
  check("[" + g + ", " + f + "]", "exact", "11111");
  check(f + "\n" + R"({"name": "sum", "arguments": {}})", "exact", "11111");
  check(f + R"({"name": "sum", "arguments": {"s": "c"}})", "wrong_arguments", "11110");
  check(g + R"({"name": "f", "arguments": {"n": 2.5}})", "schema_invalid", "11100");
  check(g + R"({"name": "f"})", "schema_invalid", "11100");
  check(f, "wrong_name", "01010");
  check(f + f, "wrong_name", "01010");
  check(f + R"({"name": "h", "arguments": {"s": "f, sum"}})", "wrong_name", "11000");
  check(f + R"({"name": 1})", "wrong_name", "01000");
  check("[]", "declined_wrongly", "01000");
  check(R"({"name": null, "arguments": {}})", "declined_wrongly", "01000");
  check("f and sum", "unparsed", "10000");
  CHECK(ToolCallTask().grade(kTwoCalls, f).detail == "parallel_function_checker_no_order:wrong_count");
  CHECK(ToolCallTask().grade(kTwoCalls, f + g).detail.empty());
}

TEST_CASE("A call of another name is held against the only right function, and an accepted value is exact") {
  const Sample one = sample(
      R"({"functions": [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}}}}], "possible": [{"f": {"n": ["x"]}}]})");
  const auto valid = [&](const char* answer) { return *ToolCallTask().grade(one, answer).metrics[3] == 1.0; };
  CHECK(valid(R"({"name": "h", "arguments": {"n": 1}})"));
  CHECK_FALSE(valid(R"({"name": "h", "arguments": {"n": "x"}})"));
  CHECK_FALSE(valid(R"({"name": "f", "arguments": {"n": "x"}})"));
  CHECK(state(one, R"({"name": "f", "arguments": {"n": "x"}})") == "exact");
  CHECK(state(one, R"({"name": "f", "arguments": {"n": "y"}})") == "schema_invalid");
}

TEST_CASE("Nothing unparsed counts as right") {
  for (const char* answer : {"", "{", "{\"name\": \"f\", \"arguments\": {\"n\": 1", "null", "[]"}) {
    const Grade grade = ToolCallTask().grade(kRequest, answer);
    for (std::size_t m = 1; m < grade.metrics.size(); ++m) CHECK(grade.metrics[m] == 0.0);
  }
  CHECK(ToolCallTask().grade(sample(R"({"name": "f", "arguments": null, "schema": true})"), "f").metrics ==
        std::vector<std::optional<double>>{1.0, 0.0, 0.0, 0.0, 0.0});
}

TEST_CASE("Decline precision and recall count declined requests") {
  std::vector<Grade> grades;
  for (const auto& [request, answer] : {std::pair(&kUnserved, R"({"name": null})"),
                                        {&kUnserved, R"({"name": null})"},
                                        {&kUnserved, R"({"name": "f"})"},
                                        {&kUnserved, ""},
                                        {&kRequest, R"({"name": null})"},
                                        {&kRequest, ""}})
    grades.push_back(ToolCallTask().grade(*request, answer));
  const auto shares = ToolCallTask().summaries(grades);
  REQUIRE(shares.size() == 2);
  CHECK(shares[0].name == "decline_precision");
  CHECK(shares[0].n == 3);
  CHECK(shares[0].value == doctest::Approx(2.0 / 3));
  CHECK(shares[1].name == "decline_recall");
  CHECK(shares[1].n == 4);
  CHECK(shares[1].value == doctest::Approx(0.5));
}

TEST_CASE("Hostile answers get a grade") {
  const Sample tree = sample(
      R"({"name": "f", "arguments": {}, "schema": {"additionalProperties": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "not": {"const": 1}}})");
  const std::string deep = R"({"name": "f", "arguments": )" + repeated("{\"a\":", 60) + "1" + repeated("}", 61);
  const Grade grade = ToolCallTask().grade(tree, deep);
  CHECK(grade.state == "schema_invalid");
  CHECK(grade.detail.find("too many steps") != std::string::npos);
  CHECK(state(kRequest, repeated("[", 1 << 20)) == "unparsed");
  CHECK(state(kRequest, repeated("{\"a\":", 1 << 18)) == "unparsed");
  CHECK(state(kRequest, "{\"name\": \"f\", \"arguments\": \xff}") == "unparsed");
}

TEST_CASE("A sample that is no tool call is an error") {
  const auto refused = [](const char* answer) { return error_of([&] { state(sample(answer), "{}"); }); };
  CHECK(refused("Paris") == "sample's answer: expected a JSON object, found no JSON");
  CHECK(refused("[]") == "sample's answer: expected a JSON object, found an array");
  CHECK(refused("{}") == "sample's answer: missing field name");
  CHECK(refused(R"({"name": 1})") == "sample's answer: name: expected a string or null, found a number");
  CHECK(refused(R"({"possible": []})") == "sample's answer: missing field functions");
  CHECK(refused(R"({"functions": [{"name": "f", "parameters": {"type": 3}}], "possible": [{"f": {}}]})")
            .starts_with("sample's answer: parameters of f: "));
  CHECK(refused(R"({"name": "f", "arguments": {}})") == "sample's answer: missing field schema");
  CHECK(refused(R"({"name": "f", "arguments": {}, "schema": 3})").starts_with("sample's answer: schema of f: "));
}
