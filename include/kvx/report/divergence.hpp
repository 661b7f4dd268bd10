#pragma once

#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/degradation.hpp>
#include <kvx/eval/result_row.hpp>
#include <kvx/report/report_data.hpp>
#include <kvx/score/estimate.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A metric as a share of what the base has on the same samples, with the interval of its change; none where there is
/// nothing to lose.
inline std::optional<Estimate> relative_function(const ResultRow& row, const ResultRow& base) {
  const bool paired = std::isfinite(row.change.value);
  const double before = paired ? row.figure.value - row.change.value : base.figure.value;
  if (!(before > 0) || std::isnan(row.figure.value)) return std::nullopt;
  return Estimate{
      .value = row.figure.value / before, .low = 1 + row.change.low / before, .high = 1 + row.change.high / before};
}

/// What perplexity tells of a cell: the base's over the cell's, 1 for no loss, with the interval of the paired losses
/// where results.csv has it. None without both perplexities.
inline std::optional<Estimate> implied_quality(const ReportData& data, std::string_view model, std::string_view task,
                                               const CellName& cell) {
  const ResultRow* own = data.find(model, task, cell, "perplexity");
  const ResultRow* base = data.find(model, task, CellName::base(), "perplexity");
  if (own == nullptr || base == nullptr || !(own->figure.value > 0) || !(base->figure.value > 0)) return std::nullopt;
  Estimate quality{.value = base->figure.value / own->figure.value};
  if (const ResultRow* loss = data.find(model, task, cell, "loss")) {
    quality.low = std::exp(-loss->change.high);
    quality.high = std::exp(-loss->change.low);
  }
  return quality;
}

/// The metrics of a task that tell whether something works, and of which the base has some.
inline std::vector<std::string> function_metrics(const ReportData& data, std::string_view model,
                                                 std::string_view task) {
  std::vector<std::string> found;
  for (const std::string_view metric : kFunctionMetrics)
    if (const ResultRow* base = data.find(model, task, CellName::base(), metric);
        base != nullptr && base->figure.value > 0)
      found.emplace_back(metric);
  return found;
}

}  // namespace kvx::inline v0
