#include <kvx/score/tool_call/tool_call.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
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

namespace {
/// Whether a grade equals the verdict in an object of a row.
bool is_verdict(const Grade& grade, const JsonValue& verdict) {
  constexpr std::string_view kColumns[] = {"name_substring", "json_valid", "name_match",
                                           "schema_valid",   "args_exact", "strict_exact"};
  for (std::size_t m = 0; m < grade.metrics.size(); ++m) {
    const auto value = verdict.find(kColumns[m]);  // no value if no tool serves the request
    if (grade.metrics[m] != (value ? std::optional(value->boolean() ? 1.0 : 0.0) : std::nullopt)) return false;
  }
  return grade.state == verdict.at("state").string();
}
}  // namespace

TEST_CASE("Verdicts equal the reference scorer's") {
  const AnyTask task{ToolCallTask()};
  kvx_test::Tally tally{"tool_call"};
  kvx_test::each_row(kvx_test::reference("toolcall/answers.jsonl").path, [&](const JsonValue& row) {
    CAPTURE(row.at("id").integer());
    Sample request = sample(simdjson::minify(row.at("answer").element()));
    request.answer_prefix = row.at("answer_prefix").string();
    const std::string predicted(row.at("predicted_answer").string());
    const Grade plain = task.grade(request, predicted);
    bool same = is_verdict(plain, row) && plain.unfinished == row.at("unfinished").boolean() && plain.as_read.empty();
    const Grade read = task.grade(request, predicted, {.tool_forms = ToolForms::all()});
    if (const auto as_read = row.find("as_read"); !as_read) {
      same = same && read.as_read.empty() && is_verdict(read, row);
    } else {
      std::string forms;
      as_read->at("forms").each_element(
          [&](const JsonValue& form) { forms.append(forms.empty() ? "" : "+").append(form.string()); });
      same = same && read.as_read == forms && is_verdict(read, *as_read);
    }
    CHECK(tally.count(same));
  });
  CHECK(tally.cases > 200);
}

TEST_CASE("An answer has one state, which says the first error in it") {
  CHECK(state(kRequest, R"(Sure: {"name": "f", "arguments": {"n": 1.0}})") == "exact");
  CHECK(state(kRequest, R"({"name": "f", "arguments": {"n": 2}})") == "wrong_arguments");
  CHECK(state(kRequest, R"({"name": "f", "arguments": {"n": "1"}})") == "schema_invalid");
  CHECK(state(kRequest, R"({"name": "f"})") == "empty_arguments");
  CHECK(state(kRequest, R"({"name": "f", "parameters": {"n": 1}})") == "schema_invalid");
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
  CHECK(ToolCallTask().grade(kUnserved, R"({"name": null})").metrics == std::vector<std::optional<double>>(6));
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
  check("[" + g + ", " + f + "]", "exact", "111111");
  check(f + "\n" + R"({"name": "sum", "arguments": {}})", "exact", "111111");
  check(f + R"({"name": "sum", "arguments": {"s": "c"}})", "wrong_arguments", "111100");
  check(g + R"({"name": "f", "arguments": {"n": 2.5}})", "schema_invalid", "111000");
  check(g + R"({"name": "f"})", "empty_arguments", "111000");
  check(g + f + R"( {"name": )", "wrong_arguments", "111100");
  check(f, "wrong_name", "010100");
  check(f + f, "wrong_name", "010100");
  check(f + R"({"name": "h", "arguments": {"s": "f, sum"}})", "wrong_name", "110000");
  check(f + R"({"name": 1})", "wrong_name", "010000");
  check("[]", "declined_wrongly", "010000");
  check(R"({"name": null, "arguments": {}})", "declined_wrongly", "010000");
  check("f and sum", "unparsed", "100000");
  CHECK(ToolCallTask().grade(kTwoCalls, f).detail == "parallel_function_checker_no_order:wrong_count");
  CHECK(ToolCallTask().grade(kTwoCalls, f + g).detail.empty());
}

TEST_CASE("The strictest metric requires all gold calls and no others, with the types of JSON") {
  const auto call_exact = [](const Sample& request, const std::string& answer) {
    return *ToolCallTask().grade(request, answer).metrics.back() == 1.0;
  };
  const std::string f = R"({"name": "f", "arguments": {"n": 2}})", g = R"({"name": "sum", "arguments": {}})";
  CHECK(call_exact(kTwoCalls, g + f));
  CHECK(call_exact(kTwoCalls, g + R"({"name": "f", "arguments": {"n": 2.0}})"));
  for (const std::string& other :
       {f, f + g + g, f + g + "{\"name\": ", f + R"({"name": "sum", "arguments": {"s": 1}})",
        f + R"({"name": "sum", "arguments": {"t": "A-B"}})", g + R"({"name": "f", "arguments": {"n": true}})"})
    CHECK_FALSE(call_exact(kTwoCalls, other));
  // The first call matches both gold calls, the second only the first one.
  const Sample crossed = sample(
      R"({"functions": [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}}}}], "possible": [{"f": {"n": [1, 2]}}, {"f": {"n": [1]}}]})");
  CHECK(call_exact(crossed, R"({"name": "f", "arguments": {"n": 1}} {"name": "f", "arguments": {"n": 2}})"));
  CHECK(call_exact(kRequest, R"({"name": "f", "arguments": {"n": 1.0}})"));
  const Grade as_true = ToolCallTask().grade(kRequest, R"({"name": "f", "arguments": {"n": true}})");
  CHECK(*as_true.metrics[4] == 1.0);  // in Python, 1 equals true
  CHECK(*as_true.metrics[5] == 0.0);
}

TEST_CASE("In a row with accepted values, each of them is exact") {
  const Sample wc = sample(
      R"({"name": "wc", "arguments": {"file": "a.txt", "mode": "l"}, "schema": {"type": "object", "properties": {"file": {"type": "string"}, "mode": {"type": "string"}, "tags": {"type": "array"}, "by": {"type": "object"}}, "required": ["file"]}, "accepted": [{"wc": {"file": ["a.txt", "./a.txt"], "mode": ["l", ""], "tags": [["#a", 1], ""], "by": [{"n": [1, 2], "m": [true, ""]}, ""]}}]})");
  const auto is_exact = [&](const std::string& arguments, const std::string& suffix = "") {
    const Grade grade = ToolCallTask().grade(wc, R"({"name": "wc", "arguments": )" + arguments + "}" + suffix);
    CHECK((grade.state == "exact") == (*grade.metrics[5] == 1.0 || *grade.metrics[4] == 1.0));
    return *grade.metrics[5] == 1.0;
  };
  CHECK(is_exact(R"({"file": "a.txt", "mode": "l"})"));
  CHECK(is_exact(R"({"file": "A.TXT"})"));
  CHECK(is_exact(R"({"file": "a.txt", "tags": ["#A", 1.0], "by": {"n": 2}})"));
  CHECK(is_exact(R"({"file": "a.txt", "by": {"n": 1, "m": true}})"));
  for (const char* other : {R"({"mode": "l"})", R"({"file": "b.txt"})", R"({"file": "a.txt", "tags": ["#a", true]})",
                            R"({"file": "a.txt", "tags": ["#a"]})", R"({"file": "a.txt", "by": {"n": 1, "m": 1}})",
                            R"({"file": "a.txt", "by": {"m": true}})", R"({"file": "a.txt", "more": 1})"})
    CHECK_FALSE(is_exact(other));
  CHECK_FALSE(is_exact(R"({"file": "a.txt"})", R"({"name": "wc", "arguments": {"file": "a.txt"}})"));
  CHECK(*ToolCallTask().grade(wc, R"({"name": "wc", "arguments": {"file": "a.txt"}})").metrics[4] == 0.0);
  CHECK(error_of([&] {
          state(sample(R"({"name": "f", "arguments": {}, "schema": {}, "accepted": [{"f": {"n": 1}}]})"), "{}");
        }) == "sample's answer: accepted: f.n: expected an array, found a number");
  CHECK(
      error_of([&] {
        state(sample(R"({"name": "f", "arguments": {}, "schema": {}, "accepted": [{"f": {}}, {"f": {}}]})"), "{}");
      }) ==
      "sample's answer: accepted: expected one call, the same as name and arguments, found 2; several calls belong in "
      "possible");
}

TEST_CASE("A call without a name does not even have an empty one") {
  const Sample nameless = sample(R"({"name": "", "arguments": {}, "schema": {}})");
  CHECK(state(nameless, R"({"arguments": {}})") == "wrong_name");
  CHECK(state(nameless, R"({"name": "", "arguments": {}})") == "exact");
}

TEST_CASE("Other engines' forms are accepted only if asked for, and the grade names them") {
  const auto read = [](const std::string& answer, const char* forms) {
    const Grade grade = ToolCallTask().grade(kRequest, answer, {.tool_forms = ToolForms::parse(forms)});
    return grade.state + " " + grade.as_read;
  };
  const std::string llama = R"({"name": "f", "parameters": {"n": 1}})",
                    openai = R"({"type": "function", "function": {"name": "f", "arguments": "{\"n\": 1}"}})";
  CHECK(read(llama, "plain") == "schema_invalid ");
  CHECK(read(llama, "parameters") == "exact parameters");
  CHECK(read(llama, "auto") == "exact parameters");
  CHECK(read(openai, "plain") == "wrong_name ");
  CHECK(read(openai, "function") == "schema_invalid function");
  CHECK(read(openai, "function+string") == "exact function+string");
  CHECK(read(R"({"tool_calls": [)" + openai + "]}", "auto") == "exact tool_calls+function+string");
  CHECK(read(R"({"name": "f"})", "auto") == "empty_arguments missing");
  CHECK(read(R"({"name": "f", "arguments": {"n": 1}})", "auto") == "exact ");
  const Grade two = ToolCallTask().grade(
      kTwoCalls, R"({"tool_calls": [{"function": {"name": "f", "arguments": {"n": 1}}}, {"name": "sum"}]})",
      {.tool_forms = ToolForms::all()});
  CHECK(*two.metrics.back() == 1.0);
  CHECK(error_of([] { ToolForms::parse("openai"); }).starts_with("tool-format: expected plain, auto, or some of"));
}

TEST_CASE("A sample's right answer is read and its schemas compiled when it is prepared, and no later") {
  for (const Sample& request : {kRequest, kTwoCalls, kUnserved}) {
    Sample changing = request;
    const auto grader = ToolCallTask().prepare(changing);
    changing.answer = "no JSON";
    for (const char* answer :
         {"", R"({"name": "f", "arguments": {"n": 1}})", R"({"name": "f"})", "[]",
          R"([{"name": "sum", "arguments": {"s": "a b"}}, {"name": "f", "arguments": {"n": 2}}])"}) {
      const Grade fresh = ToolCallTask().grade(request, answer), again = grader.grade(answer);
      CHECK(again.state == fresh.state);
      CHECK(again.metrics == fresh.metrics);
      CHECK(again.detail == fresh.detail);
    }
  }
  CHECK(error_of([] {
          const Sample request = sample(R"({"name": "f", "arguments": {}, "schema": 3})");
          (void)ToolCallTask().prepare(request);
        }).starts_with("sample's answer: schema of f: "));
}

TEST_CASE("A call of another name is checked against the only right function, and an accepted value is exact") {
  const Sample one = sample(
      R"({"functions": [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}}}}], "possible": [{"f": {"n": ["x"]}}]})");
  const auto valid = [&](const char* answer) { return *ToolCallTask().grade(one, answer).metrics[3] == 1.0; };
  CHECK(valid(R"({"name": "h", "arguments": {"n": 1}})"));
  CHECK_FALSE(valid(R"({"name": "h", "arguments": {"n": "x"}})"));
  CHECK_FALSE(valid(R"({"name": "f", "arguments": {"n": "x"}})"));
  CHECK(state(one, R"({"name": "f", "arguments": {"n": "x"}})") == "exact");
  CHECK(state(one, R"({"name": "f", "arguments": {"n": "y"}})") == "schema_invalid");
}

TEST_CASE("An answer that cannot be read is not right in any metric but name_substring") {
  for (const char* answer : {"", "{", "{\"name\": \"f\", \"arguments\": {\"n\": 1", "null", "[]"}) {
    const Grade grade = ToolCallTask().grade(kRequest, answer);
    for (std::size_t m = 1; m < grade.metrics.size(); ++m) CHECK(grade.metrics[m] == 0.0);
  }
  CHECK(ToolCallTask().grade(sample(R"({"name": "f", "arguments": null, "schema": true})"), "f").metrics ==
        std::vector<std::optional<double>>{1.0, 0.0, 0.0, 0.0, 0.0, 0.0});
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

TEST_CASE("A sample that is not a tool call is an error") {
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
