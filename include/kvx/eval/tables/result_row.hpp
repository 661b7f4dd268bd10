#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/score/statistics/better.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <string>
#include <vector>

namespace kvx::inline v0 {

/// One figure of one cell: a line of results.csv.
struct ResultRow {
  std::string model, task;  ///< task: the label that data_label() returns
  CellName cell;
  Estimate figure = {};  ///< figure.name is the name of the metric or summary
  /// From the base, on the n samples that both have, with p and holm_p. Unknown for the base and for summaries.
  Estimate change = {};

  /// Whether the cell is significantly worse than the base.
  bool drops() const {
    return change.holm_p <= 0.05 &&
           (figure.better == Better::more ? change.value < 0 : figure.better == Better::less && change.value > 0);
  }
};

/// Adds the columns of a figure and of its change, `metric` to `change_high`. `path` is the chain of members that leads
/// from a row to its ResultRow.
template <class Row, class... Path>
CsvColumns<Row>& add_figure_columns(CsvColumns<Row>& columns, Path... path) {
  columns.add("metric", path..., &ResultRow::figure, &Estimate::name)
      .add("value", path..., &ResultRow::figure, &Estimate::value)
      .add("n", path..., &ResultRow::figure, &Estimate::n)
      .add("contexts", path..., &ResultRow::figure, &Estimate::contexts)
      .add("low", path..., &ResultRow::figure, &Estimate::low)
      .add("high", path..., &ResultRow::figure, &Estimate::high);
  return add_interval_columns(columns, "change", path..., &ResultRow::change);
}

/// The columns of results.csv.
inline const CsvColumns<ResultRow>& results_columns() {
  static const CsvColumns<ResultRow> table = [] {
    auto columns = cell_row_columns<ResultRow>();
    add_figure_columns(columns)
        .add_six_digits("p", &ResultRow::change, &Estimate::p)
        .add_six_digits("holm_p", &ResultRow::change, &Estimate::holm_p)
        .add_word("better", std::vector{Better::more, Better::less, Better::neither}, &ResultRow::figure,
                  &Estimate::better)
        .add("change_n", &ResultRow::change, &Estimate::n)
        .may_lack()
        .add("change_contexts", &ResultRow::change, &Estimate::contexts)
        .may_lack();
    return columns;
  }();
  return table;
}

}  // namespace kvx::inline v0
