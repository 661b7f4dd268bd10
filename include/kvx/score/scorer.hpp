#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/clustered.hpp>
#include <kvx/score/statistics/context_values.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/statistics/estimate_mean.hpp>
#include <kvx/score/statistics/sign_flips.hpp>
#include <kvx/score/task.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The aggregated grades of one cell.
struct Score {
  std::size_t n = 0;                          ///< answers
  std::size_t contexts = 0;                   ///< contexts that these answers are about
  std::map<std::string, std::size_t> states;  ///< answers in each state
  std::vector<Estimate> metrics;              ///< the mean of each metric over the answers that it applies to
  std::vector<Estimate> summaries;            ///< the task's summaries over all answers
  std::size_t unfinished = 0;                 ///< answers with a thought that does not end
  Estimate unfinished_share = {};             ///< their share of all answers
  std::size_t as_read = 0;                    ///< answers in which a form of another engine was accepted as a call
};

/// Aggregates grades of one task.
class Scorer {
 public:
  explicit Scorer(AnyTask task) : task_(std::move(task)) {}

  Score score(std::span<const Grade> grades) const {
    Score result{grades.size(), 0, {}, {}, task_.summaries(grades)};
    ContextValues unfinished;
    for (std::size_t i = 0; i < grades.size(); ++i) {
      ++result.states[grades[i].state];
      result.unfinished += grades[i].unfinished;
      result.as_read += !grades[i].as_read.empty();
      unfinished.add(context_of(grades[i], i), grades[i].unfinished);
    }
    result.contexts = unfinished.contexts().size();
    result.unfinished_share = estimate_mean("unfinished", unfinished.contexts(), true);
    for (std::size_t m = 0; m < task_.metrics().size(); ++m) {
      const Metric& metric = task_.metrics()[m];
      ContextValues values;
      for (std::size_t i = 0; i < grades.size(); ++i)
        if (grades[i].metrics[m]) values.add(context_of(grades[i], i), *grades[i].metrics[m]);
      // A divergence of 0 is not a failure; only answers pass or fail.
      const bool verdicts = task_.kind() == TaskKind::answers && values.verdicts();
      result.metrics.push_back(estimate_mean(std::string(metric.name), values.contexts(), verdicts));
      result.metrics.back().better = metric.better;
    }
    for (Estimate& summary : result.summaries) {
      const Metric* metric = find_metric(task_.summary_metrics(), summary.name);
      if (metric == nullptr)
        throw Error("task " + std::string(task_.name()),
                    "expected a summary that the task declares, found " + summary.name);
      summary.better = metric->better;
    }
    return result;
  }

  /// The change of each metric's mean, by Student's t and by sign flips. Contexts are the units, since a press acts
  /// once on a context. grades[i] and base[i] belong to the same sample. n counts the samples to which the metric
  /// applies in both.
  std::vector<Estimate> compare(std::span<const Grade> grades, std::span<const Grade> base) const {
    if (grades.size() != base.size())
      throw Error("task " + std::string(task_.name()), "expected grades of the same samples, found " +
                                                           std::to_string(grades.size()) + " and " +
                                                           std::to_string(base.size()));
    std::vector<Estimate> changes;
    for (std::size_t m = 0; m < task_.metrics().size(); ++m) {
      ContextValues differences;
      for (std::size_t i = 0; i < grades.size(); ++i)
        if (grades[i].metrics[m] && base[i].metrics[m])
          differences.add(context_of(grades[i], i), *grades[i].metrics[m] - *base[i].metrics[m]);
      const Metric& metric = task_.metrics()[m];
      std::string name(metric.name);
      Estimate change{.name = name};
      if (!differences.contexts().empty()) {
        change = estimate_mean(std::move(name), differences.contexts(), false);
        std::vector<double> sums;
        for (const Cluster& context : differences.contexts()) sums.push_back(context.sum);
        change.p = change.holm_p = sign_flip_p(sums);
      }
      change.better = metric.better;
      changes.push_back(std::move(change));
    }
    return changes;
  }

 private:
  AnyTask task_;
};

}  // namespace kvx::inline v0
