#include <kvx/io/json_tree.hpp>
#include <kvx/io/json_tree_parse.hpp>
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
  for (std::size_t at = context.find("\n## "); at != context.npos; at = context.find("\n## ", at + 1))
    CHECK(names.insert(context.substr(at + 4, context.find('\n', at + 4) - at - 4)).second);
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
  const std::size_t at = sample.context.find(tool), schema = sample.answer.find(", \"schema\": ") + 12;
  REQUIRE(at != sample.context.npos);
  const std::string block = sample.context.substr(at, sample.context.find("\n## ", at + 1) - at);
  CHECK(block.find("\nParameters: " + sample.answer.substr(schema, sample.answer.size() - schema - 1)) != block.npos);
  return grade.state;
}
}  // namespace

TEST_CASE("kvx's tasks are there by name") {
  CHECK(kvx_tasks().at("tool_call").name() == "tool_call");
  CHECK(kvx_tasks().at("tool_call").metric_names().size() == 6);
}

TEST_CASE("Tasks say which values of their figures are better") {
  const TaskRegistry tasks = kvx_tasks();
  const auto better = [&](const char* task, const char* figure) { return tasks.at(task).better(figure); };
  for (const auto& task : tasks.tasks())
    for (const std::string_view metric : task.metric_names())
      if (task.kind() == TaskKind::answers)
        CHECK(task.better(metric) == (metric == "unicode_words"  ? Better::neither
                                      : task.name() == "leakage" ? Better::less
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
    CHECK(catalogs.insert(tools).second);  // none is another one shuffled
  }
  CHECK(catalogs.size() == 50);
  CHECK(states == std::map<std::string, int>{{"declined", 25}, {"exact", 166}});
}
