#pragma once

#include <kvx/report/picture.hpp>
#include <kvx/report/report_data.hpp>
#include <kvx/score/metric.hpp>
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
inline std::optional<ChartPoint> relative_function(const Figure& figure, const Figure& base) {
  const bool paired = std::isfinite(figure.change);
  const double before = paired ? figure.value - figure.change : base.value;
  if (!(before > 0) || std::isnan(figure.value)) return std::nullopt;
  return ChartPoint{NAN, figure.value / before, 1 + figure.change_low / before, 1 + figure.change_high / before};
}

/// What perplexity tells of a cell: the base's over the cell's, 1 for no loss, with the interval of the paired losses
/// where results.csv has it. None without both perplexities.
inline std::optional<ChartPoint> implied_quality(const ReportData& data, std::string_view model, std::string_view task,
                                                 const ReportCell& cell) {
  const AnyTask* predicts = data.task_of(task);
  const Metric* perplexity = predicts == nullptr ? nullptr : find_role(predicts->summary_metrics(), Role::perplexity);
  if (perplexity == nullptr) return std::nullopt;
  const Figure* own = data.find(model, task, cell, perplexity->name);
  const Figure* base = data.find(model, task, {std::string(kNoPress)}, perplexity->name);
  if (own == nullptr || base == nullptr || !(own->value > 0) || !(base->value > 0)) return std::nullopt;
  ChartPoint point{NAN, base->value / own->value};
  const Metric* described = find_role(predicts->metrics(), Role::loss);
  const Figure* loss = described == nullptr ? nullptr : data.find(model, task, cell, described->name);
  if (loss != nullptr) {
    point.low = std::exp(-loss->change_high);
    point.high = std::exp(-loss->change_low);
  }
  return point;
}

/// The task's metrics of function that are above 0 for the base.
inline std::vector<std::string> function_metrics(const ReportData& data, std::string_view model,
                                                 std::string_view task) {
  std::vector<std::string> found;
  for (std::string& metric : data.function_metrics(task))
    if (const Figure* base = data.find(model, task, {std::string(kNoPress)}, metric);
        base != nullptr && base->value > 0)
      found.push_back(std::move(metric));
  return found;
}

}  // namespace kvx::inline v0
