#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/eval/tables/results_text.hpp>
#include <kvx/report/load/group_choice.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/report/sections/report_tables.hpp>
#include <kvx/score/context_note.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The field of a figure, such as `0.40 [0.21, 0.62] ↓`. An arrow shows that the interval of the change from the base
/// lies below (`↓`) or above (`↑`) 0.
inline TableField group_field(const ResultRow* row) {
  if (row == nullptr) return {"–"};
  const std::string text = with_interval(row->figure, two_decimals);
  if (row->change.high < 0) return {text + " ↓", TableField::Weight::strong};
  if (row->change.low > 0) return {text + " ↑", TableField::Weight::strong};
  return {text};
}

/// The note that explains these fields.
inline constexpr const char* kGroupNote =
    "value [95 % interval, with contexts as units]; ↓ or ↑: the 95 % interval of the change from the uncompressed base "
    "lies below or above 0";

}  // namespace detail

/// A table with a row for each cell, and a column for each group with the number of its parts and contexts.
inline ReportTable group_table(const ReportData& data, const GroupChoice& choice, std::string caption) {
  ReportTable table{std::move(caption), {"press", "ratio"}, {}, detail::kGroupNote};
  std::size_t fewest = 0;
  for (const std::string& group : choice.groups) {
    const SampleCounts counts = parts_of(data, choice, group);
    fewest = fewest_contexts(fewest, counts.fewest_contexts);
    table.head.push_back(group_name(group) + " (n = " + std::to_string(counts.n) +
                         ", contexts = " + std::to_string(counts.contexts) + ")");
  }
  if (const auto note = context_note(fewest); fewest > 0 && !note.empty()) table.note += ". Note: " + note;
  for (const CellName& cell : cells_of(data, choice)) {
    auto& row = table.rows.emplace_back(std::vector<TableField>{{cell.label()}, {cell.ratio_text("–")}});
    for (const std::string& group : choice.groups)
      row.push_back(detail::group_field(find_group(data, choice, cell, group)));
  }
  return table;
}

}  // namespace kvx::inline v0
