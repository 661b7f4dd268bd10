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

/// One metric of some groups of a task's parts.
struct GroupChoice {
  std::string model, task, metric;
  std::vector<std::string> groups = {};

  bool takes(const GroupResult& of) const {
    return of.row.model == model && of.row.task == task && of.row.figure.name == metric;
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

/// The groups of a task for whose names `holds`, in the order of these.
inline GroupChoice choose_groups(const ReportData& data, const std::string& model, const std::string& task,
                                 const std::string& metric, auto&& holds) {
  GroupChoice choice{model, task, metric};
  choice.groups = distinct(data.groups, &GroupResult::group,
                           [&](const GroupResult& of) { return choice.takes(of) && holds(of.group); });
  std::ranges::sort(choice.groups);
  return choice;
}

inline const ResultRow* find_group(const ReportData& data, const GroupChoice& of, const CellName& cell,
                                   std::string_view group) {
  const auto found = std::ranges::find_if(data.groups, [&](const GroupResult& other) {
    return other.group == group && other.row.cell == cell && of.takes(other);
  });
  return found == data.groups.end() ? nullptr : &found->row;
}

/// The cells that have any of it.
inline std::vector<CellName> cells_of(const ReportData& data, const GroupChoice& of) {
  return distinct(
      data.groups, [](const GroupResult& other) { return other.row.cell; },
      [&](const GroupResult& other) { return of.takes(other); });
}

/// The number of parts of a group, n, and of the contexts that they are about; if cells differ, the largest.
inline SampleCounts parts_of(const ReportData& data, const GroupChoice& of, std::string_view group) {
  SampleCounts counts;
  for (const GroupResult& other : data.groups)
    if (other.group == group && of.takes(other)) counts.include(other.row.figure.n, other.row.figure.contexts);
  return counts;
}

/// The smallest number of parts with which a group is compared with others.
inline constexpr std::size_t kLeastParts = 20;

/// A group's name without the kind that stands before a slash.
inline std::string group_name(const std::string& group) { return group.substr(group.find('/') + 1); }

}  // namespace kvx::inline v0
