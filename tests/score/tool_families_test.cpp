#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/io/json/json_tree_text.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/tool_call/read_family.hpp>
#include <kvx/score/tool_call/tool_call.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

TEST_CASE("Calls are read in the forms of 18 families of models") {
  kvx_test::Tally tally{"tool formats"};
  std::map<std::string, int> families;
  const std::vector<ThoughtMarks> thoughts = {
      {}, {"[THINK]", "[/THINK]"}, {"<|START_THINKING|>", "<|END_THINKING|>"}, {"<|channel>thought", "<channel|>"}};
  const auto formats = kvx_test::reference("templates/tool_formats.jsonl");
  kvx_test::each_row(formats.path, [&](const JsonValue& row) {
    const std::string family(row.at("family").string());
    const std::string_view answer = row.at("answer").string();
    const std::string text = family == "harmony" ? std::string(answer) : judged_text("", answer, thoughts).text;
    const auto forms = ToolForms::parse(family).families();
    REQUIRE(forms.size() == 1);
    CAPTURE(row.at("id").integer());
    CAPTURE(family);
    CAPTURE(answer);
    const FamilyCalls found = read_family(forms[0], text);
    const auto calls = row.find("calls");
    const JsonTree expected =
        calls ? parse_json(simdjson::minify(calls->element())).value() : JsonTree(JsonTree::Array());
    CHECK(found.complete == row.at("complete").boolean());
    CHECK(JsonTree(found.calls) == expected);
    tally.count(found.complete == row.at("complete").boolean() && JsonTree(found.calls) == expected);
    ++families[family];
  });
  CHECK(families.size() == 18);
}

TEST_CASE("The forms of calls follow the chat template") {
  const std::map<std::string, std::string> expected = {{"qwen2.5", "hermes"},
                                                       {"qwen3", "hermes"},
                                                       {"qwen3-coder", "xml"},
                                                       {"qwen3.5", "xml"},
                                                       {"deepseek-v3", "deepseek"},
                                                       {"mistral-v0.3", "mistral"},
                                                       {"ministral-3", "mistral"},
                                                       {"phi-4", ""},
                                                       {"smollm2", ""},
                                                       {"smollm3", "hermes"},
                                                       {"granite-3.3", "granite"},
                                                       {"granite-4.0", "hermes"},
                                                       {"gpt-oss", "harmony"},
                                                       {"glm-4.6", "glm"},
                                                       {"llama-3.1", "parameters+llama3"},
                                                       {"command-r-plus-tool_use", "command_r"},
                                                       {"command-r7b-tool_use", "command_r7b"},
                                                       {"gemma-4", "gemma4"},
                                                       {"kimi-k2", "kimi"},
                                                       {"lfm2", "pythonic"},
                                                       {"nemotron-nano-v2", "nemotron"},
                                                       {"functionary-v3.1", "functionary_v3.1"}};
  int found = 0;
  kvx_test::each_row(kvx_test::reference("templates/templates.jsonl").path, [&](const JsonValue& row) {
    const auto form = expected.find(std::string(row.at("name").string()));
    if (form == expected.end()) return;
    CAPTURE(form->first);
    CHECK(tool_forms_in(row.at("template").string()).text() == form->second);
    ++found;
  });
  CHECK(found >= 5);
}

TEST_CASE("An answer in the form of a family is graded by its calls, and any other answer by its JSON objects") {
  const Sample sample{"", "", "", R"({"name": "f", "arguments": {"a": 1},
      "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}})", "t", 1};
  const ToolCallTask task;
  const auto graded = [&](std::string_view answer, const char* forms) {
    const Grade grade = task.grade(sample, answer, {.tool_forms = ToolForms::parse(forms)});
    return grade.state + " " + grade.as_read;
  };
  CHECK(graded("[f(a=1)]", "plain") == "unparsed ");
  CHECK(graded("[f(a=1)]", "pythonic") == "exact pythonic");
  CHECK(graded("[f(a=2)]", "pythonic") == "wrong_arguments pythonic");
  CHECK(graded("[f(a=", "pythonic") == "unparsed ");
  CHECK(graded("[TOOL_CALLS]f[ARGS]{\"a\": 1}", "plain") == "wrong_name ");
  CHECK(graded("[TOOL_CALLS]f[ARGS]{\"a\": 1}", "mistral") == "exact mistral");
  CHECK(graded("[TOOL_CALLS]f{\"a\": 1}", "mistral") == "unparsed ");
  CHECK(graded("{\"name\": \"f\", \"arguments\": {\"a\": 1}}", "mistral") == "exact ");
  CHECK(graded("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>", "hermes") == "exact hermes");
  CHECK(graded("<tool_call>{\"name\": \"f\"}</tool_call>", "hermes") == "empty_arguments ");
  CHECK(graded("{\"name\": \"f\", \"parameters\": {\"a\": 1}}", "parameters+llama3") == "exact llama3");
}

TEST_CASE("Calls of gpt-oss are graded after their analysis") {
  const Sample sample{"", "", "", R"({"name": "f", "arguments": {}, "schema": {}})", "t", 1};
  const std::string_view answer =
      "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.f "
      "<|constrain|>json<|message|>{}<|call|>";
  const AnyTask task{ToolCallTask()};
  CHECK(task.grade(sample, answer, AnswerReading::with({}, ToolForms(ToolForms::harmony))).state == "exact");
  CHECK(task.grade(sample, answer).state == "unparsed");
}

TEST_CASE("A value whose type is not written stays a text if the tool declares a string") {
  const Sample sample{"", "", "", R"({"name": "f", "arguments": {"a": "1", "b": 1},
      "schema": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}})", "t", 1};
  const auto state = [&](std::string_view answer, const char* form) {
    return ToolCallTask().grade(sample, answer, {.tool_forms = ToolForms::parse(form)}).state;
  };
  CHECK(state("<function=f>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n1\n</parameter>\n</function>", "xml") ==
        "exact");
  CHECK(state("<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n"
              "<arg_value>1</arg_value>\n</tool_call>",
              "glm") == "exact");
}
