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

/// A metric as a share of the base's value on the same samples, with the interval of its change. None if the base's
/// value is 0.
inline std::optional<Estimate> relative_function(const ResultRow& row, const ResultRow& base) {
  const bool paired = std::isfinite(row.change.value);
  const double before = paired ? row.figure.value - row.change.value : base.figure.value;
  if (!(before > 0) || std::isnan(row.figure.value)) return std::nullopt;
  return Estimate{
      .value = row.figure.value / before, .low = 1 + row.change.low / before, .high = 1 + row.change.high / before};
}

/// The quality that perplexity implies: the base's perplexity divided by the cell's, so that 1 means no loss. It has
/// the interval of the paired losses if results.csv has that. None unless both perplexities are known.
inline std::optional<Estimate> implied_quality(const ReportData& data, std::string_view model, std::string_view task,
                                               const CellName& cell) {
  const AnyTask* text_task = data.task_of(task);
  const Metric* perplexity = text_task == nullptr ? nullptr : find_role(text_task->summary_metrics(), Role::perplexity);
  if (perplexity == nullptr) return std::nullopt;
  const ResultRow* cell_row = data.find(model, task, cell, perplexity->name);
  const ResultRow* base_row = data.find(model, task, CellName::base(), perplexity->name);
  if (cell_row == nullptr || base_row == nullptr || !(cell_row->figure.value > 0) || !(base_row->figure.value > 0))
    return std::nullopt;
  Estimate quality{.value = base_row->figure.value / cell_row->figure.value};
  const Metric* loss_metric = find_role(text_task->metrics(), Role::loss);
  const ResultRow* loss = loss_metric == nullptr ? nullptr : data.find(model, task, cell, loss_metric->name);
  if (loss != nullptr) {
    quality.low = std::exp(-loss->change.high);
    quality.high = std::exp(-loss->change.low);
  }
  return quality;
}

/// The task's metrics that measure whether answers work, as far as the base's value is above 0.
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
