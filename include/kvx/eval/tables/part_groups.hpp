#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/eval/tables/cell_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/score/statistics/clustered.hpp>
#include <kvx/score/statistics/estimate_mean.hpp>
#include <kvx/score/task_registry.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The file to which the driver writes the groups.
inline constexpr std::string_view kGroupsCsv = "groups.csv";

/// A figure over the parts of a cell's answers that belong to one group: a line of groups.csv. A group is, for example,
/// an instruction, a class of instructions or a defense.
struct GroupResult {
  std::string group;
  ResultRow row;               ///< row.figure.n counts parts of first answers only
  std::string graded_as = {};  ///< the task that graded the answers; not in the file
};

namespace detail {

/// The values of one metric of a group's parts in one cell, by context.
struct GroupSums {
  std::size_t n = 0;         // parts of first answers
  bool are_verdicts = true;  // whether all values are 0 or 1
  std::map<std::string, Cluster> contexts = {};
};

/// For each context that both have, the differences of the cell's values from the base's mean in that context.
inline std::vector<Cluster> differences(const GroupSums& cell, const GroupSums& base) {
  std::vector<Cluster> all;
  for (const auto& [name, context] : cell.contexts) {
    const auto other = base.contexts.find(name);
    if (other == base.contexts.end()) continue;
    const double mean = other->second.sum / static_cast<double>(other->second.n);
    all.push_back({context.n, context.sum - mean * static_cast<double>(context.n)});
  }
  return all;
}

}  // namespace detail

/// The groups of the parts in the records, in the order of the cells and then by name. A part whose group has a colon
/// in its name also counts toward the group that is named by the prefix before the colon. Throws Error for an unknown
/// task.
inline std::vector<GroupResult> part_groups(const TaskRegistry& registry, std::span<const Record> records) {
  using Sums = std::map<std::pair<std::string, std::string>, detail::GroupSums>;  // by group and metric
  CellGroups<Sums> cells(records);
  for (const Record& record : records) {
    if (record.grade.parts.empty()) continue;
    Sums& sums = cells.of(record);
    const std::string context = context_of(record);
    const auto add = [&](const std::string& group, const std::string& metric, double value) {
      detail::GroupSums& sum = sums[{group, metric}];
      sum.n += record.attempt == 0;
      sum.are_verdicts &= value == 0 || value == 1;
      sum.contexts[context].add(value);
    };
    const auto metrics = registry.at(record.task).part_metrics();
    for (const GradePart& part : record.grade.parts)
      for (std::size_t m = 0; m < metrics.size(); ++m) {
        const std::string metric(metrics[m].name);
        add(part.group, metric, part.values[m]);
        if (const auto colon = part.group.find(':'); colon != part.group.npos)
          add(part.group.substr(0, colon), metric, part.values[m]);
      }
  }
  std::vector<GroupResult> results;
  for (const auto& cell : cells.all()) {
    const Sums &sums = cell.values, *base = cells.base_of(cell);
    for (const auto& [name, sum] : sums) {
      std::vector<Cluster> contexts;
      for (const auto& [label, context] : sum.contexts) contexts.push_back(context);
      ResultRow row{cell.model, cell.label(), cell.cell, estimate_mean(name.second, contexts, sum.are_verdicts)};
      row.figure.n = sum.n;
      if (base != nullptr && base != &sums) {
        const auto base_sum = base->find(name);
        const std::vector<Cluster> changes =
            base_sum == base->end() ? std::vector<Cluster>{} : detail::differences(sum, base_sum->second);
        if (!changes.empty()) row.change = estimate_mean(name.second, changes, false);
      }
      results.push_back({name.first, std::move(row), cell.task});
    }
  }
  return results;
}

/// The columns of groups.csv.
inline const CsvColumns<GroupResult>& groups_columns() {
  static const CsvColumns<GroupResult> table = [] {
    auto columns = cell_row_columns<GroupResult, ResultRow>(&GroupResult::row);
    columns.add("group", &GroupResult::group);
    add_figure_columns(columns, &GroupResult::row);
    return columns;
  }();
  return table;
}

inline std::string groups_csv(std::span<const GroupResult> groups) { return groups_columns().text(groups); }

}  // namespace kvx::inline v0
