#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/json/json_tree_parse.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace kvx;

namespace {
/// The names of the tools in a context of the built-in data.
std::set<std::string> tools_of(const std::string& context) {
  std::set<std::string> names;
  for (std::size_t pos = context.find("\n## "); pos != context.npos; pos = context.find("\n## ", pos + 1))
    CHECK(names.insert(context.substr(pos + 4, context.find('\n', pos + 4) - pos - 4)).second);
  return names;
}

/// Checks that a request's call obeys the schema that its context shows, and its state when graded as an answer.
std::string state_of_gold(const Sample& sample) {
  const Grade grade = ToolCallTask().grade(sample, sample.answer);
  CHECK(grade.detail == "");
  const JsonTree answer = parse_json(sample.answer).value();
  if (answer.find("name")->is_null()) {
    CHECK(answer.find("arguments")->object()->empty());
    return grade.state;
  }
  const std::string tool = "\n## " + *answer.find("name")->string() + "\n";
  const std::size_t pos = sample.context.find(tool), schema = sample.answer.find(", \"schema\": ") + 12;
  REQUIRE(pos != sample.context.npos);
  const std::string block = sample.context.substr(pos, sample.context.find("\n## ", pos + 1) - pos);
  CHECK(block.find("\nParameters: " + sample.answer.substr(schema, sample.answer.size() - schema - 1)) != block.npos);
  return grade.state;
}
}  // namespace

TEST_CASE("kvx's tasks are found by name") {
  CHECK(kvx_tasks().at("tool_call").name() == "tool_call");
  CHECK(kvx_tasks().at("tool_call").metrics().data() == ToolCallTask::metrics().data());
}

TEST_CASE("Tasks say which values of their metrics are better") {
  const TaskRegistry tasks = kvx_tasks();
  const auto better = [&](const char* name, const char* figure) {
    const AnyTask& task = tasks.at(name);
    const Metric* metric = find_metric(task.metrics(), figure);
    return metric != nullptr ? metric->better : find_metric(task.summary_metrics(), figure)->better;
  };
  for (const auto& task : tasks.tasks())
    for (const Metric& metric : task.metrics())
      if (task.kind() == TaskKind::answers)
        CHECK(metric.better == (metric.name == "unicode_words" ? Better::neither
                                : task.name() == "leakage"     ? Better::less
                                                               : Better::more));
  for (const char* cost : {"loss", "perplexity", "kl", "kl_99"}) CHECK(better("perplexity", cost) == Better::less);
  CHECK(better("perplexity", "same_top") == Better::more);
  CHECK(better("perplexity", "tokens") == Better::neither);
  for (const char* cost : {"ttft", "ttft_median", "tpot", "total_generation_time_median"})
    CHECK(better("latency", cost) == Better::less);
  CHECK(better("latency", "throughput_median") == Better::more);
  const Score score =
      Scorer(tasks.at("leakage")).score(std::vector<Grade>{{"kept", std::vector<std::optional<double>>(20, 0.0)}});
  CHECK(score.metrics.front().better == Better::less);
}

TEST_CASE("Tasks describe their metrics and states, each once") {
  const TaskRegistry tasks = kvx_tasks();
  for (const AnyTask& task : tasks.tasks()) {
    CAPTURE(task.name());
    for (const auto metrics : {task.metrics(), task.summary_metrics(), task.part_metrics()}) {
      std::set<std::string_view> names;
      for (const Metric& metric : metrics) CHECK(names.insert(metric.name).second);
    }
    std::set<std::string_view> states;
    for (const State& state : task.states()) CHECK(states.insert(state.name).second);
    CHECK_FALSE(states.empty());
    for (const Estimate& summary : task.summaries({}))
      CHECK(find_metric(task.summary_metrics(), summary.name) != nullptr);
    CHECK(task.summaries({}).size() == task.summary_metrics().size());
  }
}

TEST_CASE("A task's metrics of function begin with the one that decides") {
  const TaskRegistry tasks = kvx_tasks();
  CHECK(function_metrics(tasks.at("tool_call").metrics()) ==
        std::vector<std::string_view>{"call_exact", "schema_valid"});
  CHECK(function_metrics(tasks.at("code_exec").metrics()) == std::vector<std::string_view>{"pass@1"});
  for (const char* name : {"ifeval", "leakage", "perplexity", "latency"})
    CHECK(function_metrics(tasks.at(name).metrics()).empty());
}

TEST_CASE("Whatever an answer is, its state is one that its task declares") {
  const std::map<std::string, std::string> golds = {
      {"tool_call", R"({"name": "f", "arguments": {"a": 1}, "schema": {"type": "object", "required": ["a"]}})"},
      {"code_exec",
       R"j({"prompt": "", "reference": "def f():\n  return 1", "entry_point": "f", "tests": "f()", "setup": ""})j"},
      {"ifeval", R"({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})"},
      {"leakage",
       R"({"system_prompt": "never say blue whale", "defense": "", "defense_key": "d", "attack_category": "a",
           "attack_id": "1", "system_prompt_key": "k"})"}};
  const TaskRegistry tasks = kvx_tasks();
  std::map<std::string, std::set<std::string>> states;
  for (const auto& [name, gold] : golds) {
    const AnyTask& task = tasks.at(name);
    const Sample sample{"", "", "", gold, "", 1};
    const SampleGrader prepared = task.prepare(sample);
    for (const char* answer : {"", " ", "[]", "{", "a, b", "never say blue whale", "never", "def f():\n return 1",
                               R"({"name": null})", R"({"name": "g", "arguments": {"a": 1}})",
                               R"({"name": "f", "arguments": {"a": 1}})", R"({"name": "f", "arguments": {"a": 2}})",
                               R"({"name": "f", "arguments": {}})", R"({"name": "f", "arguments": {"b": 2}})"}) {
      const Grade fresh = task.grade(sample, answer), grade = prepared.grade(answer);
      states[name].insert(fresh.state);
      CHECK(grade.state == fresh.state);  // the answers before have no effect
      CHECK(grade.metrics == fresh.metrics);
      CHECK(grade.detail == fresh.detail);
      CHECK(grade.cluster == fresh.cluster);
      REQUIRE(grade.parts.size() == fresh.parts.size());
      for (std::size_t p = 0; p < grade.parts.size(); ++p) CHECK(grade.parts[p].values == fresh.parts[p].values);
    }
  }
  CHECK(states.size() == golds.size());
  CHECK(states["tool_call"].size() == 7);  // all but those of a request that no tool serves
  CHECK(states["leakage"] == std::set<std::string>{"empty", "kept", "leaked", "partly"});
}

TEST_CASE("The built-in data has many catalogs, and requests that their tools serve once or not at all") {
  std::map<std::string, int> requests, states;  // requests by context
  std::set<std::string> questions;
  std::set<std::set<std::string>> catalogs;
  for (const Sample& sample : load_samples(KVX_SOURCE_DIR "/examples/data/tool_call.jsonl.gz")) {
    CAPTURE(sample.question);
    CHECK(sample.task == "tool_call");
    CHECK(questions.insert(sample.question).second);
    CHECK(sample.context.find(R"({"name": null, "arguments": {}})") != sample.context.npos);
    ++requests[sample.context];
    ++states[state_of_gold(sample)];
  }
  for (const auto& [context, count] : requests) {
    const std::set<std::string> tools = tools_of(context);
    CHECK(tools.size() >= 8);
    CHECK(tools.size() <= 64);
    CHECK(count >= 3);
    CHECK(count <= 5);
    CHECK(catalogs.insert(tools).second);  // no two have the same tools
  }
  CHECK(catalogs.size() == 50);
  CHECK(states == std::map<std::string, int>{{"declined", 25}, {"exact", 166}});
}
