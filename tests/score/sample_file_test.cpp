#include <kvx/score/sample_file.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/reference.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
const std::string kSixColumns =
    R"({"context": "c", "question": "q", "answer_prefix": "p", "answer": "a", "task": "t", "max_new_tokens": 9})";
const std::string kBfclFunctions =
    R"J("function": [{"name": "area.of", "description": "Area.", "parameters": {"type": "dict", "properties": )J"
    R"J({"side": {"type": "float"}, "about": {"type": "dict", "properties": {"unit": {"type": "any"}}}}, )J"
    R"J("required": ["side"]}}])J";
const std::string kBfclRow =
    R"({"id": "parallel_7", "question": [[{"role": "user", "content": "Two squares?"}]], )" + kBfclFunctions + "}";
const std::string kBfclAnswer =
    R"({"id": "parallel_7", "ground_truth": [{"area.of": {"side": [2.0], "about": ["", {"unit": ["cm"]}]}}, )"
    R"({"area.of": {"side": [3.0]}}]})";
const std::string kXlamTools =
    R"([{"name": "find", "description": "Finds.", "parameters": {"type": {"type": "str", "description": "Kind.", )"
    R"("default": "game"}, "limit": {"type": "int, optional", "description": ""}, "tags": {"type": "List[str]", )"
    R"("description": ""}, "range": {"type": "Dict[str, int]", "description": "", "default": null}}}])";
const std::string kXlamAnswers =
    R"([{"name": "find", "arguments": {"type": "game", "tags": ["New"], "range": {"from": 1}}}])";
std::string xlam_row(const std::string& tools, const std::string& answers) {
  return R"({"id": 0, "query": "Games?", "answers": )" + answers + R"(, "tools": )" + tools + "}";
}
std::string quoted(const std::string& text) { return JsonWriter().value(text).text(); }

const std::string kToolaceSystem =
    "Put it as [func1(name=value, ...)]. Here is a list of functions in JSON format:\n"
    R"([{"name": "Market Trends API", "description": "{Trends}", "parameters": {"type": "dict", "properties": )"
    R"({"kind": {"type": "string", "enum": ["A", "B"]}, "n": {"type": "int", "default": 3}}, "required": ["kind", )"
    R"("n"]}, "required": null}, {"name": "news", "parameters": {"type": "dict", "properties": {}}}]. Or say so.)";
std::string toolace_row(const std::string& answer) {
  return "{\"system\": " + quoted(kToolaceSystem) + R"(, "conversations": [{"from": "user", "value": "Trends?"}, )" +
         R"({"from": "assistant", "value": )" + quoted(answer) + R"(}, {"from": "user", "value": "More?"}]})";
}

SampleFile tool_samples(const std::string& path, const std::string& text) {
  return read_samples(path, text, ToolCallTask::row_forms());
}
SampleFile samples_in(const std::string& text) { return read_samples("FILE", text, kvx_tasks().row_forms()); }
Sample only_sample(const std::string& row) { return samples_in(row + "\n").samples.at(0); }
std::string state_of(const Sample& sample, const std::string& answer) {
  return ToolCallTask().grade(sample, answer).state;
}

/// The first accepted value that is not "", which means left out. If it is an object, the same for its members.
std::optional<JsonTree> first_accepted(const JsonTree& accepted, const JsonTree* schema) {
  for (const JsonTree& value : *accepted.array()) {
    if (value == JsonTree("")) continue;
    const JsonTree* items = schema == nullptr ? nullptr : schema->find("items");
    if (value.object() != nullptr && detail::declares_object(schema)) {
      JsonTree::Object members;
      for (const auto& [name, values] : *value.object())
        if (auto member = first_accepted(values, nullptr)) members.push_back({name, *member});
      return JsonTree(std::move(members));
    }
    if (value.array() == nullptr || !detail::declares_object(items)) return value;
    JsonTree::Array elements;
    for (const JsonTree& element : *value.array())
      elements.push_back(*first_accepted(JsonTree(JsonTree::Array{element}), items));
    return JsonTree(std::move(elements));
  }
  return std::nullopt;
}

/// The answer with the first accepted value of each argument, without those that may be left out unless `all`.
std::string right_answer(const Sample& sample, bool all) {
  const JsonTree gold = json_of(sample.answer);
  if (gold.find("possible") == nullptr) return sample.answer;
  JsonTree::Array calls;
  for (const GoldCall& call : gold_calls(*gold.find("functions"), *gold.find("possible"))) {
    JsonTree::Object arguments;
    for (const auto& [name, values] : *call.accepted->object()) {
      const JsonTree *schema = call.schema->find("properties")->find(name), *required = call.schema->find("required");
      const bool needed = detail::among(JsonTree(name), *required->array()) || !detail::may_be_left_out(values);
      const auto value = first_accepted(values, schema);
      if (schema != nullptr && value && (all || needed)) arguments.push_back({name, *value});
    }
    calls.push_back(
        JsonTree(JsonTree::Object{{"name", JsonTree(*call.name)}, {"arguments", JsonTree(std::move(arguments))}}));
  }
  JsonWriter out;
  write_json(calls.size() == 1 ? calls.front() : JsonTree(std::move(calls)), out);
  return out.text();
}
}  // namespace

TEST_CASE("Files of BFCL are read completely, and their possible answers are right") {
  const std::string shared = kvx_test::environment("KVX_SHARED");
  kvx_test::Tally tally{"bfcl files"};
  if (shared.empty()) return void(tally.why = "KVX_SHARED unset");
  for (const char* category : {"simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance"}) {
    const std::string path = shared + "/data/bfcl/BFCL_v4_" + category + ".json";
    if (!std::filesystem::exists(path)) {
      ++tally.not_applicable;
      tally.why = "files are missing";
      continue;
    }
    const std::string text = read_text_file(path);
    const SampleFile file = tool_samples(path, text);
    std::size_t rows = 0;  // one per line
    for (std::size_t pos = 0; pos < text.size(); pos = std::min(text.find('\n', pos), text.size() - 1) + 1) ++rows;
    CHECK(file.samples.size() == rows);
    for (std::size_t i = 0; i < file.samples.size(); ++i) {
      const Sample& sample = file.samples[i];
      CAPTURE(file.places[i]);
      const bool served = std::string_view(category) != "irrelevance";
      for (const bool all : {false, true})
        CHECK(tally.count(state_of(sample, right_answer(sample, all)) == (served ? "exact" : "declined")));
      CHECK(sample.task == std::string("bfcl_") + category);
    }
  }
}

TEST_CASE("A row is recognized by its columns, in JSON lines and in an array") {
  const std::string code =
      R"({"prompt": "def f():\n", "entry_point": "f", "canonical_solution": " pass\n", "test": ""})";
  const std::vector<std::string> rows = {kSixColumns, code, xlam_row(kXlamTools, kXlamAnswers), toolace_row("No.")};
  std::string lines, array;
  for (const std::string& row : rows) {
    lines += row + "\n";
    array += (array.empty() ? "[" : ",\n") + row;
  }
  for (const bool as_array : {false, true}) {
    const SampleFile file = samples_in(as_array ? array + "]" : lines);
    REQUIRE(file.samples.size() == 4);
    CHECK(file.samples[0].task == "t");
    CHECK(file.samples[0].answer_prefix == "p");
    CHECK(file.samples[1].task == "humaneval");
    CHECK(file.samples[2].task == "xlam");
    CHECK(file.samples[3].task == "toolace");
    CHECK(file.places[3] == (as_array ? "FILE[3]" : "FILE: line 4"));
  }
  CHECK(read_samples("FILE", code, CodeExecTask::row_forms(), {true}).samples[0].question == "def f():\n");
}

TEST_CASE("A row of BFCL shows its functions unchanged and is graded by the possible answers") {
  const TempDir dir;
  const std::string path = dir.write("B.json", kBfclRow + "\n");
  dir.write("possible_answer/B.json", kBfclAnswer + "\n");
  CHECK(tool_samples(path, kBfclRow).answers == kBfclAnswer + "\n");
  const Sample sample = tool_samples(path, kBfclRow).samples.at(0);
  CHECK(sample.context.find(
            R"J([{"name": "area.of", "description": "Area.", "parameters": {"type": "dict", "properties": {"side")J") !=
        std::string::npos);
  CHECK(sample.context.find(R"({"name": null, "arguments": {}})") != std::string::npos);
  CHECK(sample.question == "\nUser request: Two squares?\n");
  CHECK(sample.answer_prefix.empty());
  CHECK(sample.task == "bfcl_parallel");
  CHECK(sample.max_new_tokens == 512);
  CHECK(state_of(sample, R"([{"name": "area.of", "arguments": {"side": 3}}, )"
                         R"({"name": "area.of", "arguments": {"side": 2, "about": {"unit": "CM"}}}])") == "exact");

  const Sample declined =
      tool_samples(path, R"({"id": "live_irrelevance_3-1-0", "question": [[{"role": "user", "content": "Hi"}]], )" +
                             kBfclFunctions + "}")
          .samples.at(0);
  CHECK(declined.task == "bfcl_live_irrelevance");
  CHECK(declined.max_new_tokens == 256);
  CHECK(state_of(declined, R"({"name": null, "arguments": {}})") == "declined");

  const auto refused = [&](const std::string& part, const std::string& replacement) {
    std::string row = kBfclRow;
    row.replace(row.find(part), part.size(), replacement);
    const std::string error = error_of([&] { tool_samples(path, row); });
    return error.starts_with(path + ": line 1: ") ? error.substr(path.size() + 10) : "elsewhere: " + error;
  };
  CHECK(refused("parallel_7", "parallel_8") ==
        "expected an answer to parallel_8 in " + dir.path() + "/possible_answer/B.json, found none");
  CHECK(refused("parallel_7", "simple_java_7") == "expected functions in Python, found simple_java");
  CHECK(refused("\"user\"", "\"system\"") ==
        "column question: expected one turn of user messages, found something else");
  CHECK(refused("[[{", "[[], [{").ends_with("found something else"));
  CHECK(refused("[{\"name\": \"area.of\"", "[{\"named\": \"area.of\"") ==
        "column function: expected tools with a name, found an object without one");
  CHECK(error_of([&] { tool_samples(dir.path() + "/C.json", kBfclRow); }) ==
        dir.path() + "/possible_answer/C.json: cannot open: No such file or directory");
}

TEST_CASE("A row of xLAM accepts only its answers, and a default may be left out") {
  for (const bool as_text : {false, true}) {
    const Sample sample =
        only_sample(as_text ? xlam_row(quoted(kXlamTools), quoted(kXlamAnswers)) : xlam_row(kXlamTools, kXlamAnswers));
    CHECK(sample.context.find("\n[{\"name\": \"find\", \"description\": \"Finds.\", \"parameters\": {\"type\": {") !=
          std::string::npos);
    CHECK(sample.question == "\nUser request: Games?\n");
    CHECK(sample.max_new_tokens == 256);
    const auto state = [&](const std::string& arguments) {
      return state_of(sample, R"({"name": "find", "arguments": )" + arguments + "}");
    };
    CHECK(state(R"({"type": "game", "tags": ["new"], "range": {"from": 1}})") == "exact");
    CHECK(state(R"({"tags": ["New"], "range": {"from": 1}})") == "exact");
    CHECK(state(R"({"tags": ["New"]})") == "wrong_arguments");                      // not its default
    CHECK(state(R"({"type": "game", "range": {"from": 1}})") == "schema_invalid");  // tags are not optional
    CHECK(state(R"({"tags": ["New"], "range": {"from": 2}})") == "wrong_arguments");
    CHECK(state(R"({"tags": ["New"], "range": {"from": 1}, "limit": 5})") == "wrong_arguments");
    CHECK(state(R"({"tags": [1], "range": {"from": 1}})") == "schema_invalid");
    CHECK(state(R"({"tags": "New", "range": {"from": 1}})") == "schema_invalid");
  }
  const Sample declined = only_sample(xlam_row(kXlamTools, "[]"));
  CHECK(state_of(declined, "[]") == "declined");
  const Sample several = only_sample(xlam_row(
      kXlamTools, R"([{"name": "find", "arguments": {"tags": []}}, {"name": "find", "arguments": {"more": [{}]}}])"));
  CHECK(several.max_new_tokens == 512);
  CHECK(state_of(several,
                 R"([{"name": "find", "arguments": {"more": [{}]}}, {"name": "find", "arguments": {"tags": []}}])") ==
        "exact");

  const Sample objects = only_sample(xlam_row(R"([{"name": "f", "parameters": {"x": {"type": "List[Dict]"}}}])",
                                              R"([{"name": "f", "arguments": {"x": [{"a": 1, "b": "X"}]}}])"));
  CHECK(state_of(objects, R"({"name": "f", "arguments": {"x": [{"a": 1, "b": "x"}]}})") == "exact");
  CHECK(state_of(objects, R"({"name": "f", "arguments": {"x": [{"a": 1}]}})") == "wrong_arguments");

  const auto refused = [](const std::string& tools, const std::string& answers) {
    return error_of([&] { only_sample(xlam_row(tools, answers)); });
  };
  CHECK(refused("\"[\"", "[]") == "FILE: line 1: column tools: expected JSON, found [");
  CHECK(refused("{}", "[{}]") == "FILE: line 1: expected an array of tools, found an object");
  CHECK(refused("[]", "{}") == "FILE: line 1: column answers: expected an array of calls, found an object");
  CHECK(refused(kXlamTools, R"([{"name": "find", "arguments": "{}"}])") ==
        "FILE: line 1: expected calls with a name and an object of arguments, found one without");
  CHECK(refused(kXlamTools, R"([{"name": "seek", "arguments": {}}])") ==
        "FILE: line 1: expected a tool named seek, found none");
}

TEST_CASE("A row of ToolACE has its tools in the system's text and its calls in Python's syntax") {
  const Sample sample = only_sample(toolace_row(R"( [Market Trends API(kind="A", n=3), news()] )"));
  CHECK(sample.context.find(R"([{"name": "Market Trends API", "description": "{Trends}", )") != std::string::npos);
  CHECK(sample.context.ends_with(R"({"name": "news", "parameters": {"type": "dict", "properties": {}}}])"
                                 "\n"));
  CHECK(sample.question == "\nUser request: Trends?\n");
  CHECK(sample.max_new_tokens == 512);
  const std::string news = R"([{"name": "news", "arguments": {}}, {"name": "Market Trends API", "arguments": )";
  CHECK(state_of(sample, news + R"({"kind": "C", "n": 3}}])") == "schema_invalid");
  CHECK(state_of(sample, news + R"({"kind": "A", "n": 3}}])") == "exact");
  CHECK(state_of(sample, news + R"({"kind": "B", "n": 3}}])") == "wrong_arguments");
  CHECK(state_of(only_sample(toolace_row(R"([Market Trends API(kind="A")])")),
                 R"({"name": "Market Trends API", "arguments": {"kind": "A"}})") == "exact");
  CHECK(state_of(only_sample(toolace_row("None of them [sadly].")), R"({"name": null})") == "declined");
  CHECK(state_of(only_sample(toolace_row("Let me check.\n[news()]")), R"({"name": "news", "arguments": {}})") ==
        "exact");
  CHECK(error_of([] { only_sample(toolace_row("Well: [news(x=today())]")); }) ==
        "FILE: line 1: column conversations: expected calls with literals as arguments, found Well: [news(x=today())]");
  CHECK(error_of([] { only_sample(toolace_row("[olds()]")); }) ==
        "FILE: line 1: expected a tool named olds, found none");
  CHECK(error_of([] { only_sample(R"({"system": "", "conversations": [{"from": "user", "value": "a"}]})"); }) ==
        "FILE: line 1: column conversations: expected a turn from assistant, found none");
  CHECK(error_of([] { only_sample(R"({"system": "", "conversations": 1})"); }) ==
        "FILE: line 1: column conversations: expected an array, found a number");
}

TEST_CASE("A row without known columns is an error that names its columns") {
  CHECK(
      error_of([] { samples_in(kSixColumns + "\n{\"query\": \"\", \"text\": \"\"}\n"); }) ==
      "FILE: line 2: expected the columns context, question, answer_prefix, answer, task and max_new_tokens, or those "
      "of BFCL, xLAM, ToolACE, HumanEval, MBPP or IFEval, found query, text");
  CHECK(error_of([] { samples_in("{\"context\": \"\"}"); }) == "FILE: line 1: missing column question");
  CHECK(error_of([] { samples_in("[1]"); }) == "FILE: line 1: expected a JSON object, found an array");
}

TEST_CASE("The file of a task has the rows that the task lists, or the six columns") {
  const std::string six = "expected the columns context, question, answer_prefix, answer, task and max_new_tokens, ";
  const std::string code = R"({"code": "", "test_list": []})", row = xlam_row(kXlamTools, kXlamAnswers);
  const auto refused = [](const AnyTask& task, const std::string& text) {
    return error_of([&] { (void)task.samples("FILE", text, {}); });
  };
  const TaskRegistry registry = kvx_tasks();
  for (const AnyTask& task : registry.tasks()) CHECK(task.samples("FILE", kSixColumns, {}).samples.size() == 1);
  CHECK(AnyTask(ToolCallTask()).samples("FILE", row, {}).samples[0].task == "xlam");
  CHECK(refused(AnyTask(ToolCallTask()), code) ==
        "FILE: line 1: " + six + "or those of BFCL, xLAM or ToolACE, found code, test_list");
  CHECK(refused(AnyTask(IfevalTask()), code) == "FILE: line 1: " + six + "or those of IFEval, found code, test_list");
  CHECK(refused(AnyTask(LeakageTask()), kSixColumns + "\n" + code) == "FILE: line 2: " + six + "found code, test_list");
}

TEST_CASE("A form of rows is read by its own reader, which knows the file and its options") {
  const RowForm riddle = {
      "riddles", [](const JsonlRow& r) { return r.has_all({"riddle"}); },
      [](RowFile& file) -> RowReader {
        return [&file, rows = 0](const JsonlRow& r) mutable {
          file.answers += "+";
          return Sample{
              r.string("riddle"), file.path, "", std::to_string(++rows), file.options.completion ? "base" : "chat", 1};
        };
      }};
  const SampleFile file =
      read_samples("FILE", "{\"riddle\": \"a\"}\n" + kSixColumns + "\n{\"riddle\": \"b\"}", {&riddle, 1}, {true});
  REQUIRE(file.samples.size() == 3);
  CHECK(file.samples[0].context == "a");
  CHECK(file.samples[0].question == "FILE");
  CHECK(file.samples[0].task == "base");
  CHECK(file.samples[1].context == "c");
  CHECK(file.samples[2].context == "b");
  CHECK(file.samples[2].answer == "2");  // one reader counts all rows
  CHECK(file.answers == "++");
}

TEST_CASE("Rows are left out by their key, id or task_id") {
  const std::string row =
      R"("context": "c", "question": "q", "answer_prefix": "", "answer": "", "task": "t", "max_new_tokens": 1})";
  const std::string text = R"({"key": 7, )" + row + "\n" + R"({"id": "a/1", )" + row + "\n" + R"({"task_id": "7", )" +
                           row + "\n{" + row + "\n";
  const auto places = [&](const SampleFileOptions& options) { return read_samples("FILE", text, {}, options).places; };
  CHECK(places({.skip = {"7"}}) == std::vector<std::string>{"FILE: line 2", "FILE: line 4"});
  CHECK(read_samples("FILE", text, {}, {.skip = {"a/1", "8"}}).skipped == std::vector<std::string>{"a/1"});
  CHECK(places({.skip = {"a/1", "8"}}) == std::vector<std::string>{"FILE: line 1", "FILE: line 3", "FILE: line 4"});
}
