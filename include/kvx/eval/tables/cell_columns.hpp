#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <cmath>
#include <cstddef>
#include <string>

namespace kvx::inline v0 {

/// Adds the columns that name a row's cell: `press`, `compression_ratio`, `budget` and `query_aware`. `path` is the
/// chain of members that leads from a row to its CellName. When rows are read, the press must be a valid written form
/// and the ratio must be from 0 to 1, or empty if it is unknown and the cell has a budget.
template <class Row, class... Path>
void add_cell_columns(CsvColumns<Row>& columns, Path... path) {
  columns.add("press", path..., &CellName::press);
  columns.add("compression_ratio", path..., &CellName::ratio);
  columns.add("budget", path..., &CellName::budget);
  columns.add("query_aware", path..., &CellName::query_aware);
  columns.check([](const CsvTable& csv, std::size_t row) {
    const double ratio = csv.number(row, "compression_ratio");
    const bool is_unknown = std::isnan(ratio) && !csv.text(row, "budget").empty();
    if (!is_unknown && !(ratio >= 0 && ratio <= 1)) csv.fail(row, "compression_ratio", "0 to 1");
    try {
      (void)parse_written(csv.text(row, "press"));
    } catch (const Error& error) {
      throw Error(csv.where(row), std::string("column press: ") + error.what());
    }
  });
}

/// Adds the columns NAME, NAME_low and NAME_high of an estimate. `path` is the chain of members that leads from a row
/// to the estimate.
template <class Row, class... Path>
CsvColumns<Row>& add_interval_columns(CsvColumns<Row>& columns, const std::string& name, Path... path) {
  return columns.add(name, path..., &Estimate::value)
      .add(name + "_low", path..., &Estimate::low)
      .add(name + "_high", path..., &Estimate::high);
}

/// The first columns of most tables: `model`, the columns of the cell, and `task`. `path` is the chain of members that
/// leads from a row to the object with the members model, cell and task, which is of type Named. Without a path, this
/// object is the row.
template <class Row, class Named = Row, class... Path>
CsvColumns<Row> cell_row_columns(Path... path) {
  CsvColumns<Row> columns;
  columns.add("model", path..., &Named::model);
  add_cell_columns(columns, path..., &Named::cell);
  columns.add("task", path..., &Named::task);
  return columns;
}

}  // namespace kvx::inline v0
