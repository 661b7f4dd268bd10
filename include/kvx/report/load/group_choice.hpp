#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/load/distinct.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// Some groups of a task's parts, and one metric of these parts.
struct GroupChoice {
  std::string model, task, metric;
  std::vector<std::string> groups = {};

  /// Whether a result is of this model, task and metric.
  bool takes(const GroupResult& result) const {
    return result.row.model == model && result.row.task == task && result.row.figure.name == metric;
  }
};

/// A task whose parts have a metric, with the description of that metric.
struct PartMetric {
  std::string task;
  const Metric* metric;  ///< of the data's registry
};

/// The tasks of a model whose parts have a metric with that role.
inline std::vector<PartMetric> part_metrics(const ReportData& data, std::string_view model, Role role) {
  std::vector<PartMetric> found;
  for (const std::string& label : distinct(
           data.groups, [](const GroupResult& group) { return group.row.task; },
           [&](const GroupResult& group) { return group.row.model == model; })) {
    const AnyTask* task = data.task_of(label);
    const Metric* metric = task == nullptr ? nullptr : find_role(task->part_metrics(), role);
    const bool measured =
        metric != nullptr && std::ranges::any_of(data.groups, [&](const GroupResult& group) {
          return group.row.model == model && group.row.task == label && group.row.figure.name == metric->name;
        });
    if (measured) found.push_back({label, metric});
  }
  return found;
}

/// The groups of a task for whose names holds(name) is true, sorted by name.
inline GroupChoice choose_groups(const ReportData& data, const std::string& model, const std::string& task,
                                 const std::string& metric, auto&& holds) {
  GroupChoice choice{model, task, metric};
  choice.groups = distinct(data.groups, &GroupResult::group,
                           [&](const GroupResult& result) { return choice.takes(result) && holds(result.group); });
  std::ranges::sort(choice.groups);
  return choice;
}

inline const ResultRow* find_group(const ReportData& data, const GroupChoice& choice, const CellName& cell,
                                   std::string_view group) {
  const auto found = std::ranges::find_if(data.groups, [&](const GroupResult& result) {
    return result.group == group && result.row.cell == cell && choice.takes(result);
  });
  return found == data.groups.end() ? nullptr : &found->row;
}

/// The cells that have a result of the choice.
inline std::vector<CellName> cells_of(const ReportData& data, const GroupChoice& choice) {
  return distinct(
      data.groups, [](const GroupResult& result) { return result.row.cell; },
      [&](const GroupResult& result) { return choice.takes(result); });
}

/// The number of parts of a group, n, and of the contexts that they are about; if cells differ, the largest.
inline SampleCounts parts_of(const ReportData& data, const GroupChoice& choice, std::string_view group) {
  SampleCounts counts;
  for (const GroupResult& result : data.groups)
    if (result.group == group && choice.takes(result)) counts.include(result.row.figure.n, result.row.figure.contexts);
  return counts;
}

/// The smallest number of parts with which a group is compared with others.
inline constexpr std::size_t kLeastParts = 20;

/// A group's name without its kind, which ends with a slash: `standard` for `defense/standard`.
inline std::string group_name(const std::string& group) { return group.substr(group.find('/') + 1); }

}  // namespace kvx::inline v0
