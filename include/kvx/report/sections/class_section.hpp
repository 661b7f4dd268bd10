#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/charts/group_chart.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/group_choice.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/sections/group_table.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/report/sections/report_tables.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The classes of a task's instructions. The names of single instructions have a colon, those of classes have none.
inline GroupChoice instruction_classes(const ReportData& data, const std::string& model, const PartMetric& followed) {
  return choose_groups(data, model, followed.task, std::string(followed.metric->name),
                       [](const std::string& group) { return group.find(':') == group.npos; });
}

namespace detail {

/// The classes with at least kLeastParts parts in a cell, with their figures, sorted by value_of(figures), the lowest
/// first.
inline std::vector<std::pair<std::string, const ResultRow*>> sorted_classes(const ReportData& data,
                                                                            const GroupChoice& classes,
                                                                            const CellName& cell, auto&& value_of) {
  std::vector<std::pair<std::string, const ResultRow*>> found;
  for (const std::string& name : classes.groups)
    if (const ResultRow* row = find_group(data, classes, cell, name);
        row != nullptr && row->figure.n >= kLeastParts && std::isfinite(value_of(*row)))
      found.emplace_back(name, row);
  std::ranges::stable_sort(found, {}, [&](const auto& entry) { return value_of(*entry.second); });
  return found;
}

/// The table of the classes: the figure of all instructions together, the lowest and the highest class, their gap, and
/// each class.
inline ReportTable class_table(const ReportData& data, const GroupChoice& classes) {
  ReportTable table = group_table(
      data, classes,
      data.short_name(classes.model) + ": " + classes.task + ", instructions followed (" + classes.metric + ")");
  const AnyTask* task = data.task_of(classes.task);
  const Metric* all = task == nullptr ? nullptr : find_role(task->summary_metrics(), Role::following);
  const auto cells = cells_of(data, classes);
  const bool has_all = all != nullptr && data.find(classes.model, classes.task, cells.front(), all->name) != nullptr;
  std::vector<std::string> head = {"lowest", "highest", "gap"};
  if (has_all) head.insert(head.begin(), std::string(all->name));
  table.head.insert(table.head.begin() + 2, head.begin(), head.end());
  for (std::size_t r = 0; r < cells.size(); ++r) {
    std::vector<TableField> fields;
    if (has_all) fields.push_back(group_field(data.find(classes.model, classes.task, cells[r], all->name)));
    const auto sorted = sorted_classes(data, classes, cells[r], [](const ResultRow& row) { return row.figure.value; });
    if (sorted.size() < 2) {
      fields.insert(fields.end(), {{"–"}, {"–"}, {"–"}});
    } else {
      const auto &low = sorted.front(), &high = sorted.back();
      fields.insert(fields.end(),
                    {{low.first}, {high.first}, {two_decimals(high.second->figure.value - low.second->figure.value)}});
    }
    std::vector<TableField>& row = table.rows[r];
    row.insert(row.begin() + 2, fields.begin(), fields.end());
  }
  table.note += "; lowest and highest: among the classes with at least 20 parts";
  return table;
}

}  // namespace detail

/// How many instructions of each class are followed. A mean over all classes hides that some are lost before others.
inline ReportSection class_section(const ReportData& data) {
  ReportSection section{"classes", "Instructions by class"};
  const std::vector<PressFamily> families = press_families(data.methods());
  for (const std::string& model : data.models())
    for (const PartMetric& followed : part_metrics(data, model, Role::following)) {
      const std::string& task = followed.task;
      const GroupChoice classes = instruction_classes(data, model, followed);
      if (classes.groups.empty()) continue;
      const std::string name = data.short_name(model);
      for (const PressFamily& family : families)
        detail::draw(
            section,
            group_chart(
                data, classes, family,
                {picture_path(task, name, "classes_" + family.front().label()),
                 name + ": instructions of " + task + " that are followed, " + family.front().label(),
                 "The share of the instructions of each class that is followed, with 95 % intervals. Thin "
                 "lines: classes with fewer than 20 instructions. Horizontal dotted lines: the uncompressed base."},
                "followed (" + classes.metric + ")"),
            sample_counts(data, model, task));
      section.tables.push_back(detail::class_table(data, classes));
    }
  return section;
}

}  // namespace kvx::inline v0
