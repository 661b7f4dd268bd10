#include <kvx/eval/run/evaluation.hpp>
#include <kvx/eval/run/grade_file.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/json_of.hpp"
#include "support/model_dir.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
std::string graded_row(const std::string& task, const std::string& gold, const std::string& predicted,
                       const std::string& more = "") {
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
  return std::string(out.text()).insert(1, more) + "\n";
}
const std::string kGradedGold = R"({"name": "f", "arguments": {"n": 1}, "schema": {"type": "object"}})";
}  // namespace

TEST_CASE("The answers of any engine in a file are graded for each value of the column task") {
  const TempDir dir;
  const std::string path =
      dir.write("a.jsonl", graded_row("easy", kGradedGold, R"("{\"name\": \"f\", \"arguments\": {\"n\": 1}}")") +
                               graded_row("hard", kGradedGold, R"("{\"name\": \"f\", \"arguments\": {\"n\": 2}}")") +
                               graded_row("hard", kGradedGold, "null") +
                               graded_row("hard", R"({"name": null})", R"("{\"name\": null}")"));
  const JsonTree scores = json_of(grade_file(kvx_tasks(), "tool_call", path).json);
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

TEST_CASE("A row that cannot be graded is an error that names its line") {
  const TempDir dir;
  const auto message = [&](const std::string& text) {
    const std::string path = dir.write("a.jsonl", text),
                      error = error_of([&] { (void)grade_file(kvx_tasks(), "tool_call", path); });
    return error.starts_with(path + ": ") ? error.substr(path.size() + 2) : "elsewhere: " + error;
  };
  const std::string good = graded_row("t", kGradedGold, "\"\"");
  CHECK(message(good + graded_row("t", "Paris", "\"\"")) ==
        "line 2: sample's answer: expected a JSON object, found no JSON");
  CHECK(message(good + graded_row("t", kGradedGold, "1")) ==
        "line 2: column predicted_answer: expected a string, found a number");
  CHECK(message(good + "{}\n") == "line 2: missing column context");
  CHECK(message("") == "expected JSON lines, found an empty file");
  CHECK(error_of([&] {
          (void)grade_file(kvx_tasks(), "tool-call", "none");
        }).starts_with("task 'tool-call': unknown task"));
}

namespace {
const std::string kRight = R"("{\"name\": \"f\", \"arguments\": {\"n\": 1}}")", kWrong = R"("{\"name\": \"g\"}")";
std::string grid_row(const std::string& cell, int index, const std::string& predicted, const std::string& more = "") {
  return graded_row(
      "t", kGradedGold, predicted,
      R"("key": "k", "graded_as": "tool_call", )" + cell + R"(, "index": )" + std::to_string(index) + ", " + more);
}
JsonTree graded(const std::string& text, const char* task = "tool_call", const GradeOptions& options = {}) {
  const TempDir dir;
  return json_of(grade_file(kvx_tasks(), task, dir.write("a.jsonl", text), options).json);
}
double metric_of(const JsonTree& entry, const char* metric, const char* field = "value") {
  return entry.find("metrics")->find(metric)->find(field)->number()->value();
}
}  // namespace

TEST_CASE("Answers of a named model outside a grid have neither press nor ratio in their name") {
  const TempDir dir;
  const std::string path = dir.write("a.jsonl", graded_row("easy", kGradedGold, "null", R"("model": "m", )"));
  const JsonTree scores = json_of(grade_file(kvx_tasks(), "tool_call", path).json);
  CHECK(scores.object()->front().name == "tool_call/easy");
  CHECK(scores.object()->front().value.find("ratio") == nullptr);
}

TEST_CASE("Records of a grid are graded by model, press and ratio") {
  const std::string none = R"("model": "m", "press": "none", "ratio": 0, "budget": "")",
                    half = R"("model": "m", "press": "knorm", "ratio": 0.5, "budget": "")",
                    most = R"("model": "m", "press": "knorm", "ratio": 0.75, "budget": "")",
                    other = R"("model": "other", "press": "none", "ratio": 0, "budget": "")";
  const JsonTree scores = graded(grid_row(none, 0, kRight) + grid_row(none, 1, kRight) + grid_row(half, 0, kRight) +
                                 grid_row(half, 1, kWrong) + grid_row(most, 0, kWrong) + grid_row(other, 0, kWrong) +
                                 grid_row(most, 1, "\"\"", R"("state": "not_applicable", )"));
  REQUIRE(scores.object()->size() == 4);
  CHECK(metric_of(*scores.find("m tool_call/t none"), "call_exact") == 1);
  CHECK(metric_of(*scores.find("m tool_call/t knorm@0.5"), "call_exact") == 0.5);
  CHECK(metric_of(*scores.find("m tool_call/t knorm@0.75"), "call_exact") == 0);
  CHECK(metric_of(*scores.find("m tool_call/t knorm@0.75"), "call_exact", "n") == 1);
  CHECK(*scores.find("m tool_call/t knorm@0.75")->find("not_applicable") == json_of("1"));
  CHECK(*scores.find("m tool_call/t knorm@0.75")->find("press") == JsonTree("knorm"));
  CHECK(metric_of(*scores.find("other tool_call/t none"), "call_exact") == 0);
}

TEST_CASE("Several answers to one sample count as one, by their mean") {
  const auto rows = [](const char* id, int right, int wrong) {
    std::string text;
    for (int i = 0; i < right + wrong; ++i)
      text += graded_row("t", kGradedGold, i < right ? kRight : kWrong, "\"task_id\": \"" + std::string(id) + "\", ");
    return text;
  };
  const JsonTree scores = *graded(rows("a/0", 9, 0) + rows("a/1", 0, 1)).find("t");
  CHECK(metric_of(scores, "call_exact") == 0.5);
  CHECK(metric_of(scores, "call_exact", "n") == 2);
  CHECK(*scores.find("n") == json_of("2"));
  CHECK(*scores.find("states") == json_of(R"({"exact": 9, "wrong_name": 1})"));
}

namespace {
/// A task that compares answers with the right one, and counts the samples that it prepares.
struct CountedSamples {
  static constexpr std::string_view name = "counted_samples";
  static inline std::atomic<int> prepared = 0;
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "equal"}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 2> kStates = {{{"right"}, {"wrong"}}};
    return kStates;
  }
  struct Grader {
    const Sample& sample;
    Grade grade(std::string_view answer) const {
      return answer == sample.answer ? Grade{"right", {1.0}} : Grade{"wrong", {0.0}};
    }
  };
  Grader prepare(const Sample& sample) const {
    if (sample.answer.empty()) throw Error("sample's answer", "expected a text, found nothing");
    ++prepared;
    return {sample};
  }
};
}  // namespace

TEST_CASE("A sample is prepared once for all its rows, but a row of the same name with another sample has its own") {
  TaskRegistry registry;
  registry.add<CountedSamples>();
  const TempDir dir;
  const auto row = [](const std::string& id, const std::string& gold, const std::string& answer) {
    return graded_row("t", gold, "\"" + answer + "\"", "\"id\": \"" + id + "\", ");
  };
  const auto states = [&](const std::string& text) {
    CountedSamples::prepared = 0;
    const JsonTree scores = json_of(grade_file(registry, "counted_samples", dir.write("a.jsonl", text)).json);
    return *scores.find("t")->find("states");
  };
  CHECK(states(row("1", "a", "a") + row("2", "b", "a") + row("1", "a", "b") + row("2", "b", "b") +
               row("1", "a", "a")) == json_of(R"({"right": 3, "wrong": 2})"));
  CHECK(CountedSamples::prepared == 2);
  CHECK(states(row("1", "a", "a") + row("1", "b", "b") + row("1", "a", "b")) == json_of(R"({"right": 2, "wrong": 1})"));
  CHECK(CountedSamples::prepared == 2);
  std::string many;  // more than are in memory at a time
  for (int i = 0; i < 1500; ++i) many += row("1", "a", i % 3 == 0 ? "a" : "b");
  CHECK(states(many) == json_of(R"({"right": 500, "wrong": 1000})"));
  CHECK(CountedSamples::prepared == 2);
  CHECK(error_of([&] { (void)states(row("1", "a", "a") + row("2", "", "a") + row("2", "", "b")); }) ==
        dir.path() + "/a.jsonl: line 2: sample's answer: expected a text, found nothing");
}

TEST_CASE("Records with the same key and index belong to one sample, and those with different keys do not") {
  const std::string none = R"("model": "m", "press": "none", "ratio": 0, "budget": "")";
  const std::string right = grid_row(none, 0, kRight), again = grid_row(none, 0, kWrong, R"("attempt": 1, )");
  std::string other_run = grid_row(none, 0, kRight);
  other_run.replace(other_run.find(R"("key": "k")"), 10, R"("key": "l")");
  const auto score = [](const std::string& text) { return *graded(text).find("tool_call/t none"); };
  CHECK(metric_of(score(right + again), "call_exact", "n") == 1);
  CHECK(metric_of(score(right + again), "call_exact") == 0.5);
  CHECK(metric_of(score(right + again + other_run), "call_exact", "n") == 2);
  CHECK(metric_of(score(right + again + other_run), "call_exact") == 0.75);
}

TEST_CASE("A record that occurs twice, or has no ratio from 0 to 1, is an error") {
  const auto cell = [](const char* ratio) {
    return R"("model": "m", "press": "knorm", "budget": "")" + std::string(ratio);
  };
  const std::string half = cell(R"(, "ratio": 0.5)");
  const auto message = [](const std::string& text) {
    const std::string error = error_of([&] { (void)graded(text); });
    return error.empty() ? error : error.substr(error.find(": ") + 2);
  };
  CHECK(message(grid_row(half, 0, kRight) + grid_row(half, 1, kRight) + grid_row(half, 0, kRight)) ==
        "line 3: expected each answer once, found it again");
  CHECK(message(grid_row(half, 0, kRight) + grid_row(half, 0, kRight, R"("attempt": 1, )")) == "");
  CHECK(message(grid_row(cell(""), 0, kRight)) == "line 1: missing column ratio");
  CHECK(message(grid_row(cell(R"(, "ratio": 7)"), 0, kRight)) == "line 1: column ratio: expected 0 to 1, found 7");
  CHECK(message(grid_row(cell(R"(, "ratio": NaN)"), 0, kRight)) ==
        "line 1: column ratio: expected a number, found NaN");
  // A run that was stopped while it graded later has an answer twice: not run, then graded.
  const JsonTree later =
      graded(grid_row(half, 0, kRight, R"("state": "not_run", )") + grid_row(half, 0, kRight, R"("state": "exact", )"));
  CHECK(*later.find("tool_call/t knorm@0.5")->find("states") == json_of(R"({"exact": 1})"));
}

TEST_CASE("The records of a run are graded with its thought marks and tool forms, unless options name others") {
  const kvx_test::ModelDir model;
  model.put("tokenizer_config.json", R"("chat_template": [
      {"name": "default", "template": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"},
      {"name": "tool_use", "template": "<seed:think></seed:think> \"parameters\": dictionary of argument name"}])");
  const TempDir dir;
  std::string row = graded_row("t", kGradedGold, "\"\"");
  row.replace(
      row.find(R"("answer_prefix":"")"), 18,
      R"("answer_prefix":"<seed:think>{\"name\": \"g\"}</seed:think>{\"name\": \"f\", \"parameters\": {\"n\": 1}}")");
  EvalOptions options;
  options.models = {"m=" + model.path()};
  options.tasks = {"tool_call"};
  options.presses = {"knorm"};
  options.ratios = {0};
  options.data = dir.write("data.jsonl", row);
  options.max_new_tokens = 2;
  options.out = dir.path() + "/out";
  Evaluation evaluation(options, kvx_tasks(), kvx_presses());
  evaluation.run();
  const auto cells = score_cells(kvx_tasks(), evaluation.records());
  REQUIRE(cells.size() == 1);
  CHECK(cells[0].score.states == std::map<std::string, std::size_t>{{"exact", 1}});
  const std::string records = read_text_file(options.out + "/records.jsonl");
  const auto grades = [&](const GradeOptions& grade_options) {
    return *graded(records, "tool_call", grade_options).find("tool_call/t none");
  };
  CHECK(*grades({}).find("states") == json_of(R"({"exact": 1})"));
  CHECK(*grades({}).find("as_read") == json_of("1"));
  CHECK(metric_of(grades({}), "call_exact") == 1);
  CHECK(metric_of(grades({.tool_forms = ToolForms()}), "call_exact") == 0);
  const std::vector<ThoughtMarks> others = {{"[a]", "[/a]"}};
  CHECK(*grades({.thoughts = others}).find("states") == json_of(R"({"wrong_name": 1})"));
}

TEST_CASE("Answers of other tasks are skipped and counted, and a file with only such answers is an error") {
  const TempDir dir;
  const std::string other = R"("graded_as": "code_exec", "model": "m", )";
  const std::string mixed =
      dir.write("a.jsonl", graded_row("t", kGradedGold, kRight) + graded_row("h", "{}", "\"\"", other));
  const GradedFile file = grade_file(kvx_tasks(), "tool_call", mixed);
  CHECK(file.others == std::map<std::string, std::size_t>{{"code_exec", 1}});
  CHECK(json_of(file.json).object()->size() == 1);
  const std::string only_other = dir.write("b.jsonl", graded_row("h", "{}", "\"\"", other));
  CHECK(error_of([&] { (void)grade_file(kvx_tasks(), "tool_call", only_other); }) ==
        only_other + ": expected answers of tool_call, found 1 of code_exec");
}

TEST_CASE("A file is graded like a run: with the answer prefix, thoughts, and forms of calls") {
  std::string prefixed = graded_row("t", kGradedGold, R"("f\", \"arguments\": {\"n\": 1}}")");
  prefixed.replace(prefixed.find(R"("answer_prefix":"")"), 18, R"("answer_prefix":"{\"name\": \"")");
  CHECK(metric_of(*graded("\xEF\xBB\xBF" + prefixed).find("t"), "call_exact") == 1);
  const JsonTree thought =
      *graded(graded_row("t", kGradedGold, R"("<think>one")") + graded_row("t", kGradedGold, kRight)).find("t");
  CHECK(*thought.find("unfinished") == json_of("1"));
  CHECK(*thought.find("states") == json_of(R"({"exact": 1, "unparsed": 1})"));
  const std::string llama = graded_row("t", kGradedGold, R"("{\"name\": \"f\", \"parameters\": {\"n\": 1}}")");
  CHECK(metric_of(*graded(llama).find("t"), "call_exact") == 0);
  const JsonTree read = *graded(llama, "tool_call", {.tool_forms = ToolForms::all()}).find("t");
  CHECK(metric_of(read, "call_exact") == 1);
  CHECK(*read.find("as_read") == json_of("1"));
}
