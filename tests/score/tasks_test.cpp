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
struct Catalog {
  std::set<std::string> contexts, questions, calls;
  std::map<std::string, int> states;  // of each gold answer, graded as if a model had given it
};

std::map<std::string, Catalog> catalogs() {
  std::map<std::string, Catalog> result;
  for (const Sample& sample : load_samples(KVX_SOURCE_DIR "/examples/data/tool_call.jsonl.gz")) {
    CAPTURE(sample.question);
    Catalog& catalog = result[sample.task];
    catalog.contexts.insert(sample.context);
    catalog.questions.insert(sample.question);
    const Grade grade = ToolCallTask().grade(sample, sample.answer);
    CHECK(grade.detail == "");
    ++catalog.states[grade.state];
    const JsonTree answer = parse_json(sample.answer).value();
    if (answer.find("name")->is_null()) {
      CHECK(answer.find("arguments")->object()->empty());
      continue;
    }
    catalog.calls.insert(sample.answer);
    const std::string tool = "\n## " + *answer.find("name")->string() + "\n";
    const std::size_t at = sample.context.find(tool), schema = sample.answer.find(", \"schema\": ") + 12;
    REQUIRE(at != sample.context.npos);
    const std::string block = sample.context.substr(at, sample.context.find("\n## ", at + 1) - at);
    CHECK(block.find("\nParameters: " + sample.answer.substr(schema, sample.answer.size() - schema - 1)) != block.npos);
  }
  return result;
}
}  // namespace

TEST_CASE("kvx's tasks are there by name") {
  CHECK(kvx_tasks().at("tool_call").name() == "tool_call");
  CHECK(kvx_tasks().at("tool_call").metric_names().size() == 6);
}

TEST_CASE("Tasks say of their figures which values are the better ones") {
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

TEST_CASE("Each catalog of the built-in data has one context, and requests that its tools serve once or not at all") {
  const auto all = catalogs();
  CHECK(all.size() == 3);
  for (const int tools : {8, 24, 64}) {
    CAPTURE(tools);
    const Catalog& catalog = all.at((tools < 10 ? "tool_call_0" : "tool_call_") + std::to_string(tools));
    REQUIRE(catalog.contexts.size() == 1);
    const std::string& context = *catalog.contexts.begin();
    int blocks = 0;
    for (std::size_t at = context.find("\n## "); at != context.npos; at = context.find("\n## ", at + 1)) ++blocks;
    CHECK(blocks == tools);
    CHECK(context.find(R"({"name": null, "arguments": {}})") != context.npos);
    CHECK(catalog.questions.size() == 48);
    CHECK(catalog.calls.size() == 42);
    CHECK(catalog.states == std::map<std::string, int>{{"declined", 6}, {"exact", 42}});
  }
}
