#pragma once

#include <kvx/eval/records/record.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/clustered.hpp>
#include <kvx/score/statistics/context_plan.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The intraclass correlation of a plan that does not know it: the samples of a context count as one, which is the
/// safest assumption.
inline constexpr double kAssumedIcc = 1;

/// The starting point of a plan: the base's share of right answers, and how its samples are grouped into contexts.
struct PlanBasis {
  std::string model = {}, data = {}, metric = {};  ///< empty if no results are known
  double base = 0;
  double context_samples = 1, size_cv = 0;  ///< as in ContextPlan
  std::optional<double> icc = {};           ///< as in ContextPlan; nullopt: unknown, so the plan assumes kAssumedIcc
};

namespace detail {

/// The values of one metric in one cell: those of the attempts at each sample, by the sample's index.
using SampleMeans = std::map<std::size_t, Cluster>;

/// Fills in the base's mean, the mean and the variation of the contexts' sizes, and the mean intraclass correlation of
/// the cells' differences from the base.
inline PlanBasis plan_basis(PlanBasis basis, const SampleMeans& base, std::span<const SampleMeans> cells,
                            const std::map<std::size_t, std::string>& contexts) {
  const auto mean = [](const Cluster& attempts) { return attempts.sum / static_cast<double>(attempts.n); };
  const auto by_context = [&](auto&& value_of) {
    std::map<std::string, Cluster> found;
    for (const auto& [index, attempts] : base)
      if (const auto value = value_of(index, mean(attempts)); !std::isnan(value)) found[contexts.at(index)].add(value);
    std::vector<Cluster> clusters;
    for (const auto& [name, cluster] : found) clusters.push_back(cluster);
    return clusters;
  };
  const std::vector<Cluster> all = by_context([](std::size_t, double value) { return value; });
  Cluster sizes, correlations;
  for (const Cluster& context : all) sizes.add(static_cast<double>(context.n));
  basis.base = mean_of(all);
  basis.context_samples = mean(sizes);
  basis.size_cv = std::sqrt(sizes.squares / static_cast<double>(sizes.n)) / basis.context_samples;
  for (const SampleMeans& cell : cells) {
    const double icc = intraclass_correlation(by_context([&](std::size_t index, double before) {
      const auto after = cell.find(index);
      return after == cell.end() ? NAN : mean(after->second) - before;
    }));
    if (!std::isnan(icc)) correlations.add(icc);
  }
  if (correlations.n > 0) basis.icc = mean(correlations);
  return basis;
}

}  // namespace detail

/// A basis for each pass-or-fail metric of the base, for each model and group of samples, in the order of the records.
/// Its intraclass correlation is the mean over the differences of all cells from the base; it is unknown if there are
/// no other cells, or if all differences of each are equal. Tasks that predict texts have no basis, because their
/// metrics compare a cell with the base. Throws Error for an unknown task.
inline std::vector<PlanBasis> plan_bases(const TaskRegistry& registry, std::span<const Record> records) {
  struct Group {
    std::map<std::string, std::map<CellName, detail::SampleMeans>> metrics = {};
    std::map<std::size_t, std::string> contexts = {};
  };
  std::vector<std::pair<std::pair<std::string, std::string>, Group>> groups;  // by model and label
  for (const Record& record : records) {
    const AnyTask& task = registry.at(record.task);
    if (record.grade.state == kNotApplicable || task.kind() == TaskKind::predicts) continue;
    const std::pair name(record.model, data_label(record.task, record.sample.task));
    auto group = std::ranges::find(groups, name, [](const auto& named) { return named.first; });
    if (group == groups.end()) group = groups.insert(group, {name, {}});
    group->second.contexts.try_emplace(record.index, context_of(record));
    for (const Metric& metric : task.metrics())
      if (const auto value = metric_of(record, task, metric.name))
        group->second.metrics[std::string(metric.name)][record.cell()][record.index].add(*value);
  }
  std::vector<PlanBasis> bases;
  for (const auto& [name, group] : groups)
    for (const auto& [metric, cells] : group.metrics) {
      const auto base = cells.find(CellName{std::string(kNoPress)});
      const auto is_pass_or_fail = [](const auto& sample) {
        return sample.second.sum >= 0 && sample.second.sum <= static_cast<double>(sample.second.n) &&
               sample.second.sum == std::round(sample.second.sum);
      };
      if (base == cells.end() || !std::ranges::all_of(base->second, is_pass_or_fail)) continue;
      std::vector<detail::SampleMeans> others;
      for (const auto& [cell, samples] : cells)
        if (cell != base->first) others.push_back(samples);
      bases.push_back(detail::plan_basis({name.first, name.second, metric}, base->second, others, group.contexts));
    }
  return bases;
}

/// A Markdown table of how many contexts and samples are needed to detect each drop, for each basis that is at least as
/// high as the drop. Throws Error for a basis out of range.
inline std::string plan_markdown(std::span<const PlanBasis> bases, std::span<const double> drops) {
  const bool named = std::ranges::any_of(bases, [](const PlanBasis& basis) { return !basis.data.empty(); });
  std::vector<std::vector<std::string>> rows = {{"base", "cell", "samples of a context", "ICC", "contexts", "samples"}};
  if (named) rows.front().insert(rows.front().begin(), {"model", "task", "metric"});
  for (const PlanBasis& basis : bases)
    for (const double drop : drops) {
      if (named && drop > basis.base + 1e-9) continue;
      const std::size_t contexts = std::max(planned_contexts({.base = basis.base,
                                                              .drop = drop,
                                                              .context_samples = basis.context_samples,
                                                              .size_cv = basis.size_cv,
                                                              .icc = basis.icc.value_or(kAssumedIcc)}),
                                            kLeastForSignFlips);
      std::vector<std::string>& row = rows.emplace_back();
      if (named) row = {markdown_text(basis.model), markdown_text(basis.data), basis.metric};
      const double samples = std::ceil(static_cast<double>(contexts) * basis.context_samples - 1e-9);
      const auto digits = [](double number) { return six_digits(std::round(number * 1e4) / 1e4); };
      for (const double number : {basis.base, basis.base - drop, basis.context_samples}) row.push_back(digits(number));
      row.push_back(basis.icc ? digits(*basis.icc) : "unknown");
      row.push_back(std::to_string(contexts));
      row.push_back(std::to_string(static_cast<std::size_t>(samples)));
    }
  const bool is_unknown = std::ranges::any_of(bases, [](const PlanBasis& basis) { return !basis.icc; });
  return markdown_table(rows) +
         "\nWith this many contexts, a two-sided test at 5 % detects the drop with a probability of 80 %, if base and "
         "cell succeed\nindependently of each other. Fewer are enough if both mostly succeed on the same samples. ICC: "
         "how similar changes are\nwithin one context, from 0 (not at all) to 1 (equal).\n" +
         (is_unknown ? "Where the ICC is unknown, the plan assumes " + six_digits(kAssumedIcc) + ", the safest value.\n"
                     : "");
}

}  // namespace kvx::inline v0
