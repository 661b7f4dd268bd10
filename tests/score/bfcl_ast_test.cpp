#include <kvx/score/tool_call/bfcl_ast.hpp>
#include <kvx/score/tool_call/tool_samples.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"

using namespace kvx;

namespace {
JsonTree bfcl_call(const std::string& name, const JsonTree& arguments) {
  return JsonTree(JsonTree::Object{{"name", JsonTree(name)}, {"arguments", arguments}});
}

/// The error of a call f(x=VALUE). `schema` declares x, and `accepted` has its accepted values.
std::string bfcl_error(const std::string& schema, const std::string& accepted, const std::string& value) {
  return ast_verdict(json_of(R"([{"name": "f", "parameters": {"properties": {"x": )" + schema + "}}}]"),
                     json_of(R"([{"f": {"x": )" + accepted + "}}]"),
                     std::vector{bfcl_call("f", json_of("{\"x\": " + value + "}"))})
      .error_type;
}
}  // namespace

TEST_CASE("Verdicts equal those of BFCL's AST check") {
  const auto reference = kvx_test::reference("bfcl/ast_verdicts.jsonl");
  kvx_test::Tally tally{"bfcl ast"};
  kvx_test::each_row(reference.path, [&](const JsonValue& row) {
    const auto tree = [&](const char* member) { return json_of(simdjson::minify(row.at(member).element())); };
    std::vector<JsonTree> calls;
    const JsonTree made = tree("calls"), declared = tree("function"), possible = tree("possible_answer");
    for (const JsonTree& call : *made.array())
      calls.push_back(bfcl_call(call.object()->front().name, call.object()->front().value));
    const std::string expected(row.find("error_type") ? row.at("error_type").string() : "");
    CAPTURE(row.at("id").string());
    CAPTURE(row.at("kind").string());
    for (const JsonTree& functions : {declared, JsonTree(detail::functions_of(declared, ""))}) {
      const AstVerdict verdict = ast_verdict(functions, possible, calls);
      CHECK(tally.count(verdict.valid == row.at("valid").boolean() && verdict.error_type == expected));
    }
  });
  CHECK(tally.cases >= reference.at_least(80));
}

TEST_CASE("Each type of value is compared by its own rule") {
  const std::string string = R"({"type": "string"})", number = R"({"type": "float"})",
                    integer = R"({"type": "integer"})", dict = R"({"type": "dict"})", any = R"({"type": "any"})";
  CHECK(bfcl_error(string, R"(["New York, NY"])", R"("new-york/n.^y*_")") == "");
  CHECK(bfcl_error(string, R"(["it's \u00c9T\u00c9"])", R"("IT\"S \u00e9t\u00e9")") == "");
  CHECK(bfcl_error(string, R"(["a;b"])", R"("ab")") == "value_error:string");
  CHECK(bfcl_error(string, R"(["1"])", "1") == "type_error:simple");
  CHECK(bfcl_error(string, "[1]", R"("1")") == "value_error:others");
  CHECK(bfcl_error(number, "[5.0]", "5") == "");
  CHECK(bfcl_error(number, "[5]", "5.0") == "");
  CHECK(bfcl_error(integer, "[5]", "5.0") == "type_error:simple");
  CHECK(bfcl_error(integer, "[5.0]", "5.0") == "");  // the accepted value shows which other type is allowed
  CHECK(bfcl_error(integer, "[1]", "true") == "type_error:simple");
  CHECK(bfcl_error(integer, R"(["", "n"])", R"("N")") == "value_error:others");  // a variable's name
  CHECK(bfcl_error(any, "[[1, 2]]", "[1, 2.0]") == "");
  CHECK(bfcl_error("{}", R"(["A"])", R"("a")") == "");

  const std::string list = R"({"type": "array", "items": {"type": "string"}})";
  CHECK(bfcl_error(list, R"([["a b", "c"]])", R"(["A-B", "C"])") == "");
  CHECK(bfcl_error(list, R"([["a", "c"]])", R"(["c", "a"])") == "value_error:list/tuple");
  CHECK(bfcl_error(list, R"([["a"], ["b"]])", R"([1])") == "type_error:nested");
  CHECK(bfcl_error(list, R"(["", ["b"]])", "[]") == "");  // left out, or empty
  CHECK(bfcl_error(R"({"type": "tuple", "items": {"type": "float"}})", "[[1.5, 2.5]]", "[1.5, 2.5]") == "");
  CHECK(bfcl_error(R"({"type": "array", "items": {"type": "float"}})", "[[1.5]]", "[1]") == "type_error:nested");

  CHECK(bfcl_error(dict, R"([{"a": ["X", ""], "b": [1]}])", R"({"b": 1})") == "");
  CHECK(bfcl_error(dict, R"([{"a": ["X"], "b": [1]}])", R"({"a": "x"})") == "value_error:dict_key");
  CHECK(bfcl_error(dict, R"([{"a": ["X"]}])", R"({"a": "x", "c": 1})") == "value_error:dict_key");
  CHECK(bfcl_error(dict, R"([{"a": [2]}, {"a": ["X"]}])", R"({"a": "x"})") == "");
  CHECK(bfcl_error(dict, R"([{"a": [2]}])", R"({"a": 3})") == "value_error:dict_value");
  CHECK(bfcl_error(dict, R"([""])", "{}") == "dict_checker:unclear");
  const std::string dicts = R"({"type": "array", "items": {"type": "dict"}})";
  CHECK(bfcl_error(dicts, R"([[{"a": [1]}, {"a": [2]}]])", R"([{"a": 1}, {"a": 2}])") == "");
  CHECK(bfcl_error(dicts, R"([[{"a": [1]}, {"a": [2]}]])", R"([{"a": 2}, {"a": 1}])") == "value_error:dict_value");
  CHECK(bfcl_error(dicts, R"([[{"a": [1]}]])", R"([{"a": 1}, {"a": 1}])") == "value_error:list_dict_count");
  CHECK(bfcl_error(dicts, R"([[{"a": [1]}]])", R"(["a"])") == "type_error:nested");
}

TEST_CASE("Several calls match in any order, and each right call takes the first that matches") {
  const JsonTree functions = json_of(R"([{"name": "f", "parameters": {"properties": {"x": {"type": "integer"}}}}])");
  const JsonTree possible = json_of(R"([{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}])");
  const auto error = [&](const std::vector<const char*>& values) {
    std::vector<JsonTree> calls;
    for (const char* value : values) calls.push_back(bfcl_call("f", json_of(value)));
    return ast_verdict(functions, possible, calls).error_type;
  };
  CHECK(error({R"({"x": 2})", R"({"x": 1})"}) == "");
  CHECK(error({R"({"x": 1})", R"({"x": 2})"}) == "parallel_function_checker_no_order:cannot_find_match");
  CHECK(error({R"({"x": 1})", R"({"x": 1})"}) == "");
  CHECK(error({R"({"x": 1})"}) == "parallel_function_checker_no_order:wrong_count");
  CHECK(error({R"({"x": 1})", "null"}) == "parallel_function_checker_no_order:cannot_find_match");
}

TEST_CASE("An answer that does not have BFCL's form is an error") {
  const auto refused = [](const char* functions, const char* possible) {
    return error_of([&] { gold_calls(json_of(functions), json_of(possible)); });
  };
  const char* f = R"([{"name": "f", "parameters": {}}])";
  CHECK(refused(f, R"([{"f": {}}])") == "");
  CHECK(refused("{}", R"([{"f": {}}])") == "sample's answer: functions: expected an array, found an object");
  CHECK(refused(f, "[]") == "sample's answer: possible: expected an array of calls, found an array");
  CHECK(refused(f, R"([{"f": {}, "g": {}}])") ==
        "sample's answer: possible: expected an object with one member, the name of a function, found an object");
  CHECK(refused(f, R"([{"f": 1}])") == "sample's answer: possible: f: expected an object, found a number");
  CHECK(refused(f, R"([{"f": {"x": 1}}])") == "sample's answer: possible: f.x: expected an array, found a number");
  CHECK(refused(f, R"([{"g": {}}])") ==
        "sample's answer: functions: expected a function g with parameters, found none");
  CHECK(refused(R"([{"name": "f", "parameters": 1}])", R"([{"f": {}}])") ==
        "sample's answer: functions: f: parameters: expected an object, found a number");
}
