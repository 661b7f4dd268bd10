#pragma once

#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/degradation.hpp>
#include <kvx/report/picture.hpp>
#include <kvx/report/report_data.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A metric as a share of what the base has on the same samples, with the interval of its change; none where there is
/// nothing to lose.
inline std::optional<ChartPoint> relative_function(const Figure& figure, const Figure& base) {
  const bool paired = std::isfinite(figure.change);
  const double before = paired ? figure.value - figure.change : base.value;
  if (!(before > 0) || std::isnan(figure.value)) return std::nullopt;
  return ChartPoint{NAN, figure.value / before, 1 + figure.change_low / before, 1 + figure.change_high / before};
}

/// What perplexity tells of a cell: the base's over the cell's, 1 for no loss, with the interval of the paired losses
/// where results.csv has it. None without both perplexities.
inline std::optional<ChartPoint> implied_quality(const ReportData& data, std::string_view model, std::string_view task,
                                                 const CellName& cell) {
  const Figure* own = data.find(model, task, cell, "perplexity");
  const Figure* base = data.find(model, task, CellName::base(), "perplexity");
  if (own == nullptr || base == nullptr || !(own->value > 0) || !(base->value > 0)) return std::nullopt;
  ChartPoint point{NAN, base->value / own->value};
  if (const Figure* loss = data.find(model, task, cell, "loss")) {
    point.low = std::exp(-loss->change_high);
    point.high = std::exp(-loss->change_low);
  }
  return point;
}

/// The metrics of a task that tell whether something works, and of which the base has some.
inline std::vector<std::string> function_metrics(const ReportData& data, std::string_view model,
                                                 std::string_view task) {
  std::vector<std::string> found;
  for (const std::string_view metric : kFunctionMetrics)
    if (const Figure* base = data.find(model, task, CellName::base(), metric); base != nullptr && base->value > 0)
      found.emplace_back(metric);
  return found;
}

}  // namespace kvx::inline v0
