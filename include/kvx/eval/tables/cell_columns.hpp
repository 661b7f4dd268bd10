#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/press/named/written.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <cstddef>
#include <string>

namespace kvx::inline v0 {

/// Adds the columns that name a row's cell: `press`, `compression_ratio`, `budget` and `query_aware`. `path` leads from
/// a row to its CellName. A row that is read must have a valid written form of a press and a ratio from 0 to 1.
template <class Row, class... Path>
void add_cell_columns(CsvColumns<Row>& to, Path... path) {
  to.add("press", path..., &CellName::press);
  to.add("compression_ratio", path..., &CellName::ratio);
  to.add("budget", path..., &CellName::budget);
  to.add("query_aware", path..., &CellName::query_aware);
  to.check([](const CsvTable& csv, std::size_t row) {
    const double ratio = csv.number(row, "compression_ratio");
    if (!(ratio >= 0 && ratio <= 1)) csv.fail(row, "compression_ratio", "0 to 1");
    try {
      (void)parse_written(csv.text(row, "press"));
    } catch (const Error& error) {
      throw Error(csv.where(row), std::string("column press: ") + error.what());
    }
  });
}

/// Adds the columns `name`, `name`_low and `name`_high of an estimate. `path` leads from a row to it.
template <class Row, class... Path>
CsvColumns<Row>& add_interval_columns(CsvColumns<Row>& to, const std::string& name, Path... path) {
  return to.add(name, path..., &Estimate::value)
      .add(name + "_low", path..., &Estimate::low)
      .add(name + "_high", path..., &Estimate::high);
}

/// The first columns of most tables: `model`, the cell's, and `task`. `path` leads from a row to the Named that has the
/// members model, cell and task; without a path it is the row.
template <class Row, class Named = Row, class... Path>
CsvColumns<Row> cell_row_columns(Path... path) {
  CsvColumns<Row> columns;
  columns.add("model", path..., &Named::model);
  add_cell_columns(columns, path..., &Named::cell);
  columns.add("task", path..., &Named::task);
  return columns;
}

}  // namespace kvx::inline v0
