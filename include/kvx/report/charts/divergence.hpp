#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/task.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  const AnyTask* predicts = data.task_of(task);
  const Metric* perplexity = predicts == nullptr ? nullptr : find_role(predicts->summary_metrics(), Role::perplexity);
  if (perplexity == nullptr) return std::nullopt;
  const ResultRow* own = data.find(model, task, cell, perplexity->name);
  const ResultRow* base = data.find(model, task, CellName::base(), perplexity->name);
  if (own == nullptr || base == nullptr || !(own->figure.value > 0) || !(base->figure.value > 0)) return std::nullopt;
  Estimate quality{.value = base->figure.value / own->figure.value};
  const Metric* described = find_role(predicts->metrics(), Role::loss);
  const ResultRow* loss = described == nullptr ? nullptr : data.find(model, task, cell, described->name);
  if (loss != nullptr) {
    quality.low = std::exp(-loss->change.high);
    quality.high = std::exp(-loss->change.low);
  }
  return quality;
}

/// The task's metrics that measure whether answers work, if they are above 0 for the base.
inline std::vector<std::string> function_metrics(const ReportData& data, std::string_view model,
                                                 std::string_view task) {
  std::vector<std::string> found;
  for (std::string& metric : data.function_metrics(task))
    if (const ResultRow* base = data.find(model, task, CellName::base(), metric);
        base != nullptr && base->figure.value > 0)
      found.push_back(std::move(metric));
  return found;
}

}  // namespace kvx::inline v0
