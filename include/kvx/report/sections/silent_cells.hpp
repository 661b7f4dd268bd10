#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/charts/divergence.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/metric.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// The largest rise of perplexity, as a share, that a reader would ignore.
inline constexpr double kCalmRise = 0.1;

/// A cell that loses function, with the rise of its perplexity.
struct LostFunction {
  std::string model, task, metric;
  CellName cell;
  double loss = 0;             ///< share of the base's function that is lost
  double p = 1;                ///< Holm-corrected
  std::optional<double> rise;  ///< of the perplexity, the largest over all texts; none if it was not measured

  bool silent() const { return rise && *rise <= kCalmRise; }
};

/// The cells whose function is significantly below the base, and the number of cells that were compared. Function is
/// measured by the first of a task's function metrics.
struct LostFunctions {
  std::vector<LostFunction> cells;
  std::size_t compared = 0;
};

inline LostFunctions lost_functions(const ReportData& data) {
  LostFunctions lost;
  for (const ResultRow& row : data.figures) {
    const auto metrics = function_metrics(data, row.model, row.task);
    if (metrics.empty() || row.figure.name != metrics.front() || row.cell.is_base()) continue;
    ++lost.compared;
    if (!row.drops()) continue;
    const ResultRow* base = data.find(row.model, row.task, CellName::base(), row.figure.name);
    const auto remaining = relative_function(row, *base);
    if (!remaining) continue;
    std::optional<double> rise;
    for (const TaskMetric& text : data.with_role(row.model, Role::perplexity))
      if (const auto quality = implied_quality(data, row.model, text.task, row.cell))
        if (const double text_rise = 1 / quality->value - 1; !rise || text_rise > *rise) rise = text_rise;
    lost.cells.push_back(
        {row.model, row.task, row.figure.name, row.cell, 1 - remaining->value, row.change.holm_p, rise});
  }
  return lost;
}

}  // namespace kvx::inline v0
