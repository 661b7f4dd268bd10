#pragma once

#include <kvx/eval/cell_name.hpp>
#include <kvx/report/divergence.hpp>
#include <kvx/report/report_data.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// Up to here a rise of perplexity is one that a reader would pass over.
inline constexpr double kCalmRise = 0.1;

/// A cell that loses function, with what perplexity tells of it.
struct LostFunction {
  std::string model, task, metric;
  CellName cell;
  double loss = 0;             ///< as a share of the base's
  double p = 1;                ///< Holm-corrected
  std::optional<double> rise;  ///< of the perplexity, the largest of all texts; none where it was not measured

  bool silent() const { return rise && *rise <= kCalmRise; }
};

/// The cells whose function, by the first of a task's metrics of it, is significantly below the base, and how many
/// were compared.
struct LostFunctions {
  std::vector<LostFunction> cells;
  std::size_t compared = 0;
};

inline LostFunctions lost_functions(const ReportData& data) {
  LostFunctions lost;
  for (const Figure& figure : data.figures) {
    const auto metrics = function_metrics(data, figure.model, figure.task);
    if (metrics.empty() || figure.metric != metrics.front() || figure.cell.is_base()) continue;
    ++lost.compared;
    if (!figure.drops()) continue;
    const Figure* base = data.find(figure.model, figure.task, CellName::base(), figure.metric);
    const auto left = relative_function(figure, *base);
    if (!left) continue;
    std::optional<double> rise;
    for (const std::string& text : data.tasks(figure.model, "perplexity"))
      if (const auto quality = implied_quality(data, figure.model, text, figure.cell))
        if (const double own = 1 / quality->y - 1; !rise || own > *rise) rise = own;
    lost.cells.push_back({figure.model, figure.task, figure.metric, figure.cell, 1 - left->y, figure.holm_p, rise});
  }
  return lost;
}

}  // namespace kvx::inline v0
