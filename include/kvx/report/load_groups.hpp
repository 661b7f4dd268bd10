#pragma once

#include <kvx/io/csv.hpp>
#include <kvx/report/report_rows.hpp>
#include <kvx/report/seen_rows.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the lines of a groups.csv that are new.
inline void load_groups(std::vector<GroupFigure>& to, SeenRows& seen, const CsvTable& csv) {
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const auto number = [&](std::string_view column) { return csv.number(row, column); };
    const std::string group = csv.text(row, "group"), metric = csv.text(row, "metric");
    if (!seen.add(csv, row, "value", metric + " of " + group)) continue;
    to.push_back({group,
                  {csv.text(row, "model"), csv.text(row, "task"), csv_cell(csv, row), metric, csv_count(csv, row, "n"),
                   csv_count(csv, row, "contexts"), number("value"), number("low"), number("high"), number("change"),
                   number("change_low"), number("change_high")}});
  }
}

}  // namespace kvx::inline v0::detail
