#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/eval/tables/results_text.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/load/group_choice.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/report/sections/report_tables.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// `0.40 [0.21, 0.62] ↓`, marked where it is below the base, `↑` where above, by more than chance.
inline TableField group_field(const ResultRow* row) {
  if (row == nullptr) return {"–"};
  const std::string text = with_interval(row->figure, two_decimals);
  if (row->change.high < 0) return {text + " ↓", TableField::Weight::strong};
  if (row->change.low > 0) return {text + " ↑", TableField::Weight::strong};
  return {text};
}

/// What the marks of such a field mean.
inline constexpr const char* kGroupNote =
    "value [95 % interval, contexts are its units]; ↓ and ↑: the interval of the change against the uncompressed base "
    "lies "
    "below or above 0";

}  // namespace detail

/// A table with a row for each cell, and a column for each group with the number of its parts and contexts.
inline ReportTable group_table(const ReportData& data, const GroupChoice& of, std::string caption) {
  ReportTable table{std::move(caption), {"press", "ratio"}, {}, detail::kGroupNote};
  for (const std::string& group : of.groups) {
    const SampleCounts counts = parts_of(data, of, group);
    table.head.push_back(group_name(group) + " (n = " + std::to_string(counts.n) +
                         ", contexts = " + std::to_string(counts.contexts) + ")");
  }
  for (const CellName& cell : cells_of(data, of)) {
    auto& row = table.rows.emplace_back(std::vector<TableField>{{cell.label()}, {six_digits(cell.ratio)}});
    for (const std::string& group : of.groups) row.push_back(detail::group_field(find_group(data, of, cell, group)));
  }
  return table;
}

}  // namespace kvx::inline v0
