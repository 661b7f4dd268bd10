#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A summary of timed generations. `name` is its name in files and on the command line, such as `tpot` for tpot_median.
struct TimeMetric {
  std::string task, name;
  Metric summary;
};

/// The time metrics of all tasks that time generations.
inline std::vector<TimeMetric> time_metrics(const TaskRegistry& tasks) {
  constexpr std::string_view kEnd = "_median";
  std::vector<TimeMetric> metrics;
  for (const AnyTask& task : tasks.tasks())
    if (task.kind() == TaskKind::is_timed)
      for (const Metric& summary : task.summary_metrics()) {
        std::string name(summary.name);
        if (name.ends_with(kEnd)) name.resize(name.size() - kEnd.size());
        metrics.push_back({std::string(task.name()), std::move(name), summary});
      }
  return metrics;
}

/// The metric of that name. For an empty name, the time per token, or none if no task has it. Throws Error for an
/// unknown name.
inline std::optional<TimeMetric> time_metric(const TaskRegistry& tasks, std::string_view name) {
  const std::vector<TimeMetric> metrics = time_metrics(tasks);
  std::vector<std::string_view> names;
  for (const TimeMetric& metric : metrics) {
    if (name.empty() ? metric.summary.role == Role::token_time : metric.name == name) return metric;
    names.push_back(metric.name);
  }
  if (name.empty()) return std::nullopt;
  throw Error("time metric '" + std::string(name) + "'", "unknown time metric" + near_miss(name, names));
}

}  // namespace kvx::inline v0
