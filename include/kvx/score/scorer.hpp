#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/clustered.hpp>
#include <kvx/score/context_values.hpp>
#include <kvx/score/interval.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/share.hpp>
#include <kvx/score/sign_flips.hpp>
#include <kvx/score/task.hpp>

#include <cstddef>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What one cell's grades come to.
struct Score {
  std::size_t n = 0;                          ///< answers
  std::size_t contexts = 0;                   ///< contexts that these answers are about
  std::map<std::string, std::size_t> states;  ///< answers in each state
  std::vector<Share> metrics;                 ///< the mean of each metric over the answers that it applies to
  std::vector<Share> summaries;               ///< the task's figures over all answers
  std::size_t unfinished = 0;                 ///< answers with a thought that does not end
  Share unfinished_share = {};                ///< their share of all answers
  std::size_t as_read = 0;                    ///< answers in which a form of another engine was accepted as a call
};

/// A metric of one cell compared with another on the same samples. A press acts once on a context, so contexts are the
/// units.
struct Change {
  std::string metric;
  double value = 0;                                     ///< the change of the mean
  std::size_t n = 0;                                    ///< the samples that the metric applies to in both
  std::size_t contexts = 0;                             ///< contexts that these samples are about
  double p = std::numeric_limits<double>::quiet_NaN();  ///< two-sided, by sign flips; NaN for fewer than two contexts
  double holm_p = std::numeric_limits<double>::quiet_NaN();  ///< p, corrected for all tests of the table
  Interval interval = {};                                    ///< of the change, by Student's t
  Better better = Better::more;                              ///< which values of the metric are better
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
    result.unfinished_share = share_of("unfinished", unfinished.contexts(), true);
    for (std::size_t m = 0; m < task_.metrics().size(); ++m) {
      const Metric& metric = task_.metrics()[m];
      ContextValues values;
      for (std::size_t i = 0; i < grades.size(); ++i)
        if (grades[i].metrics[m]) values.add(context_of(grades[i], i), *grades[i].metrics[m]);
      // A divergence of 0 is not a failure; only answers pass or fail.
      const bool verdicts = task_.kind() == TaskKind::answers && values.verdicts();
      result.metrics.push_back(share_of(std::string(metric.name), values.contexts(), verdicts));
      result.metrics.back().better = metric.better;
    }
    for (Share& share : result.summaries) {
      const Metric* summary = find_metric(task_.summary_metrics(), share.name);
      if (summary == nullptr)
        throw Error("task " + std::string(task_.name()), "summary " + share.name + ": expected one that it declares");
      share.better = summary->better;
    }
    return result;
  }

  /// One Change a metric; grades[i] and base[i] are of the same sample.
  std::vector<Change> compare(std::span<const Grade> grades, std::span<const Grade> base) const {
    if (grades.size() != base.size())
      throw Error("task " + std::string(task_.name()), "a comparison is of the same samples, found " +
                                                           std::to_string(grades.size()) + " and " +
                                                           std::to_string(base.size()));
    std::vector<Change> changes;
    for (std::size_t m = 0; m < task_.metrics().size(); ++m) {
      Change change{std::string(task_.metrics()[m].name)};
      change.better = task_.metrics()[m].better;
      ContextValues differences;
      for (std::size_t i = 0; i < grades.size(); ++i)
        if (grades[i].metrics[m] && base[i].metrics[m])
          differences.add(context_of(grades[i], i), *grades[i].metrics[m] - *base[i].metrics[m]);
      change.n = values_in(differences.contexts());
      change.contexts = differences.contexts().size();
      if (change.n > 0) {
        change.interval = t_interval(differences.contexts());
        change.value = change.interval.value;
        std::vector<double> sums;
        for (const Cluster& context : differences.contexts()) sums.push_back(context.sum);
        change.p = change.holm_p = sign_flip_p(sums);
      }
      changes.push_back(std::move(change));
    }
    return changes;
  }

 private:
  AnyTask task_;
};

}  // namespace kvx::inline v0
