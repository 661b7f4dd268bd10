#pragma once

#include <kvx/eval/tables/report_markdown.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/latency.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The heading of a timed metric's column, such as `TTFT ms`; the unit is milliseconds if the metric is in seconds.
inline std::string time_head(const Metric& metric) {
  const std::string unit(metric.unit == "s" ? "ms" : metric.unit);
  return metric.head.empty() ? unit : std::string(metric.head) + " " + unit;
}

}  // namespace detail

/// A Markdown table for each model and text whose generations were timed: the task's summaries, with times in
/// milliseconds, and the speedup per token over the base. Empty if no generation was timed.
inline std::string latency_markdown(const TaskRegistry& tasks, std::span<const CellResult> cells) {
  const auto timed = [&](const CellResult& cell) {
    const AnyTask* task = tasks.find(cell.task);
    return task != nullptr && task->kind() == TaskKind::is_timed ? task : nullptr;
  };
  const auto token_time = [](const AnyTask& task) { return find_role(task.summary_metrics(), Role::token_time); };
  const auto value_of = [](const CellResult& cell, const Metric& metric) {
    const auto summary = std::ranges::find(cell.score.summaries, metric.name, &Estimate::name);
    return summary == cell.score.summaries.end() ? NAN : summary->value;
  };
  std::vector<std::string> titles;
  std::map<std::string, std::vector<std::vector<std::string>>> tables;
  std::map<std::string, std::size_t> contexts;  // the fewest of any cell with answers, by title
  std::map<std::string, double> base_times;     // time per token of the base, by title
  const auto title_of = [](const CellResult& cell) { return markdown_text(cell.model + ": " + cell.label()); };
  for (const CellResult& cell : cells)
    if (const AnyTask* task = timed(cell); task != nullptr && token_time(*task) != nullptr && cell.cell.is_base())
      base_times[title_of(cell)] = value_of(cell, *token_time(*task));
  for (const CellResult& cell : cells) {
    const AnyTask* task = timed(cell);
    if (task == nullptr) continue;
    const auto metrics = task->summary_metrics();
    const Metric* token_metric = token_time(*task);
    const std::string title = title_of(cell);
    auto& rows = tables[title];
    if (rows.empty()) {
      titles.push_back(title);
      rows.push_back({"press", "ratio", "n", "contexts"});
      for (const Metric& metric : metrics) rows.back().push_back(detail::time_head(metric));
      if (token_metric != nullptr) rows.back().push_back(std::string(token_metric->head) + " speedup");
      for (const char* head : {"not applicable", "MB kept"}) rows.back().push_back(head);
    }
    contexts[title] = fewest_contexts(contexts[title], cell.score.contexts);
    auto& row = rows.emplace_back();
    row = {markdown_text(cell.cell.label()), cell.cell.ratio_text(), std::to_string(cell.score.n),
           std::to_string(cell.score.contexts)};
    for (const Metric& metric : metrics) {
      const auto summary = std::ranges::find(cell.score.summaries, metric.name, &Estimate::name);
      row.push_back(summary == cell.score.summaries.end()
                        ? "-"
                        : detail::interval_text(summary->scaled(metric.unit == "s" ? 1e3 : 1)));
    }
    if (token_metric != nullptr) {
      const auto base = base_times.find(title);
      row.push_back(base == base_times.end() ? "-" : decimals(base->second / value_of(cell, *token_metric), 2));
    }
    row.push_back(std::to_string(cell.not_applicable));
    row.push_back(decimals(cell.kept_bytes / 1e6, 2));
  }
  std::string text;
  for (const std::string& title : titles) {
    text.append(text.empty() ? "" : "\n").append(title).append("\n\n") += markdown_table(tables[title]);
    if (const auto note = context_note(contexts[title]); !note.empty()) text += "\nNote: " + note + "\n";
  }
  return text.empty() ? text : text + "\nmedian [first quartile, third quartile]; one sequence at a time\n";
}

}  // namespace kvx::inline v0
