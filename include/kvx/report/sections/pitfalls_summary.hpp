#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/load/group_choice.hpp>
#include <kvx/report/load/hardest_cell.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/sections/class_section.hpp>
#include <kvx/report/sections/leakage_section.hpp>
#include <kvx/report/sections/report_tables.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The text `keywords loses most (−0.60, to 0.20) and startend least (−0.02, to 0.70)`. Empty if fewer than two classes
/// can be compared.
inline std::string lost_classes(const ReportData& data, const GroupChoice& classes, const CellName& cell) {
  const auto sorted = sorted_classes(data, classes, cell, [](const ResultRow& row) { return row.change.value; });
  if (sorted.size() < 2) return {};
  const auto describe = [](const auto& entry, const char* words) {
    const ResultRow& row = *entry.second;
    return entry.first + words + signed_decimals(row.change.value) + ", to " + two_decimals(row.figure.value) + ")";
  };
  return describe(sorted.front(), " loses most (") + " and " + describe(sorted.back(), " least (");
}

/// The text `rises by 0.25 [0.10, 0.40] to 0.35 (p = 0.003)`.
inline std::string change_text(const ResultRow& row) {
  const std::string value = two_decimals(row.figure.value);
  const Estimate& change = row.change;
  if (change.value == 0) return "stays at " + value;
  const bool rises = change.value > 0;
  const Estimate size{.value = std::abs(change.value),
                      .low = rises ? change.low : -change.high,
                      .high = rises ? change.high : -change.low};
  return (rises ? "rises by " : "falls by ") + with_interval(size, two_decimals) + " to " + value +
         (std::isnan(change.holm_p) ? "" : " (" + p_text(change.holm_p) + ")");
}

/// Adds a sentence about the classes that lose most and least at the highest ratio of a press and of its fair forms.
inline void add_class_sentence(std::vector<std::string>& lines, const ReportData& data, const std::string& model,
                               const GroupChoice& classes, const PressFamily& family) {
  std::string line;
  for (const CellName& method : family) {
    const auto cell = hardest_cell(cells_of(data, classes), method);
    const std::string words = cell ? lost_classes(data, classes, *cell) : "";
    if (words.empty()) continue;
    line += line.empty() ? data.short_name(model) + ", instructions of " + classes.task + ": with " : "; with ";
    line += method.label() + " at " + cell->setting_words() + ", " + words;
  }
  if (!line.empty()) lines.push_back(line + ".");
}

/// Adds a sentence about the setting at which the leakage of a press rises most, and the leakage of its fair forms at
/// this setting.
inline void add_leakage_sentence(std::vector<std::string>& lines, const ReportData& data, const std::string& model,
                                 const TaskMetric& leaks, const PressFamily& family) {
  const auto& [task, metric] = leaks;
  std::optional<CellName> most;
  const ResultRow* row = nullptr;
  for (const CellName& cell : data.cells(model, task)) {
    const ResultRow* candidate = cell.method() == family.front() ? data.find(model, task, cell, metric) : nullptr;
    if (candidate == nullptr || std::isnan(candidate->change.value) ||
        (row != nullptr && candidate->change.value <= row->change.value))
      continue;
    most = cell;
    row = candidate;
  }
  if (row == nullptr) return;
  std::string line = data.short_name(model) + ": leakage (" + row->figure.name + " of " + task + ") with " +
                     family.front().label() + " is highest, compared with the base, at " + most->setting_words() +
                     ", where it " + change_text(*row);
  for (const CellName& cell : data.cells(model, task)) {
    const bool is_fair = std::find(family.begin() + 1, family.end(), cell.method()) != family.end();
    if (!is_fair || cell.setting() != most->setting()) continue;
    const ResultRow* other = data.find(model, task, cell, metric);
    if (other == nullptr || std::isnan(other->figure.value)) continue;
    line += "; with " + cell.method().label() + " it is " + two_decimals(other->figure.value) + ", " +
            signed_decimals(other->figure.value - row->figure.value) + " compared with " + family.front().label();
  }
  lines.push_back(line + ".");
}

}  // namespace detail

/// Sentences about the instructions that presses lose first and about leakage.
inline std::vector<std::string> pitfalls_summary(const ReportData& data) {
  std::vector<std::string> lines;
  const std::vector<PressFamily> families = press_families(data.methods());
  for (const std::string& model : data.models()) {
    for (const PartMetric& followed : part_metrics(data, model, Role::following))
      for (const PressFamily& family : families)
        detail::add_class_sentence(lines, data, model, instruction_classes(data, model, followed), family);
    for (const TaskMetric& leaks : data.with_role(model, Role::leak))
      for (const PressFamily& family : families) detail::add_leakage_sentence(lines, data, model, leaks, family);
  }
  return lines;
}

}  // namespace kvx::inline v0
