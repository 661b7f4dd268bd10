#pragma once

#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/report/load/seen_rows.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the lines of a groups.csv that were not loaded yet.
inline void load_groups(std::vector<GroupResult>& groups, SeenRows& seen, const CsvTable& csv) {
  std::vector<GroupResult> rows = groups_columns().rows(csv);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [group, row, graded_as] = rows[i];
    if (seen.add(csv.where(i), {"value", row.model, row.task, row.cell, row.figure.value},
                 row.figure.name + " of " + group))
      groups.push_back(std::move(rows[i]));
  }
}

}  // namespace kvx::inline v0::detail
