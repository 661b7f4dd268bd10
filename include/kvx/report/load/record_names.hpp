#pragma once

#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A record's task, as results.csv names it.
inline std::string report_task(const Record& record) { return CellResult{{}, record.task, record.sample.task}.label(); }

/// Whether the answer works: whether the first of its task's function_metrics() is 1. None if that metric does not
/// apply to the answer, or if the task has none or is not registered.
inline std::optional<bool> answer_works(const TaskRegistry& registry, const Record& record) {
  const AnyTask* task = registry.find(record.task);
  if (task == nullptr) return std::nullopt;
  const std::vector<std::string_view> metrics = function_metrics(task->metrics());
  const auto value = metrics.empty() ? std::nullopt : metric_of(record, *task, metrics.front());
  return value ? std::optional(*value == 1) : std::nullopt;
}

}  // namespace kvx::inline v0
