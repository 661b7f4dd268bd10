#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/bootstrap.hpp>
#include <kvx/score/interval.hpp>
#include <kvx/score/mcnemar.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/wilson.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What one cell's grades come to.
struct Score {
  std::size_t n = 0;                          ///< answers
  std::map<std::string, std::size_t> states;  ///< answers in each state
  std::vector<Share> metrics;                 ///< the mean of each metric over the answers that it applies to
  std::vector<Share> summaries;               ///< the task's figures over all answers
  std::size_t unfinished = 0;                 ///< answers that are a thought without an end
  std::size_t as_read = 0;                    ///< answers of which a form of another engine was read as a call
};

/// A metric of one cell against another on the same samples.
struct Change {
  std::string metric;
  double value = 0;        ///< the change of the mean
  std::size_t n = 0;       ///< the samples that the metric applies to in both
  double p = 1;            ///< two-sided: of McNemar's exact test for passes and failures, else of a paired bootstrap
  double holm_p = 1;       ///< p, corrected for the other tests that were made
  Interval interval = {};  ///< of the change, by a paired bootstrap
  Better better = Better::more;  ///< which values of the metric are the better ones
};

namespace detail {

/// Whether values can be passes and failures.
inline bool is_verdict(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value == 0 || value == 1; });
}

/// Of the mean, from the sample's standard deviation; NaN of fewer than two values.
inline double standard_error(std::span<const double> values, double mean) {
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  return values.size() < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares / (n - 1) / n);
}

/// The mean, with Wilson's interval for verdicts and a bootstrapped one for anything else.
inline Share mean(std::string name, std::span<const double> values, bool verdicts) {
  Share share;
  if (verdicts || values.empty()) {
    share = wilson(std::move(name), std::accumulate(values.begin(), values.end(), 0.0), values.size());
  } else {
    const std::array<std::size_t, 1> sizes = {values.size()};
    const Interval interval = bootstrap(sizes, [&](Resample drawn) -> std::optional<double> {
      double sum = 0;
      for (const std::size_t i : drawn.front()) sum += values[i];
      return sum / static_cast<double>(values.size());
    });
    share = {std::move(name), interval.value, values.size(), interval.low, interval.high};
  }
  share.error = standard_error(values, share.value);
  return share;
}

}  // namespace detail

/// Aggregates grades of one task.
class Scorer {
 public:
  explicit Scorer(AnyTask task) : task_(std::move(task)) {}

  Score score(std::span<const Grade> grades) const {
    Score result{grades.size(), {}, {}, task_.summaries(grades)};
    for (const Grade& grade : grades) {
      ++result.states[grade.state];
      result.unfinished += grade.unfinished;
      result.as_read += !grade.as_read.empty();
    }
    for (std::size_t m = 0; m < task_.metric_names().size(); ++m) {
      std::vector<double> values;
      for (const Grade& grade : grades)
        if (grade.metrics[m]) values.push_back(*grade.metrics[m]);
      result.metrics.push_back(detail::mean(std::string(task_.metric_names()[m]), values, are_verdicts(values)));
    }
    for (auto* shares : {&result.metrics, &result.summaries})
      for (Share& share : *shares) share.better = task_.better(share.name);
    return result;
  }

  /// One Change a metric; grades[i] and base[i] are of the same sample.
  std::vector<Change> compare(std::span<const Grade> grades, std::span<const Grade> base) const {
    if (grades.size() != base.size())
      throw Error("task " + std::string(task_.name()), "a comparison is of the same samples, found " +
                                                           std::to_string(grades.size()) + " and " +
                                                           std::to_string(base.size()));
    std::vector<Change> changes;
    for (std::size_t m = 0; m < task_.metric_names().size(); ++m) {
      Change change{std::string(task_.metric_names()[m])};
      change.better = task_.better(change.metric);
      std::vector<double> now, before;
      for (std::size_t i = 0; i < grades.size(); ++i) {
        if (!grades[i].metrics[m] || !base[i].metrics[m]) continue;
        now.push_back(*grades[i].metrics[m]);
        before.push_back(*base[i].metrics[m]);
      }
      change.n = now.size();
      if (change.n > 0) {
        const MeanDifference mean = mean_difference(before, now);
        change.value = mean.difference.value;
        change.interval = mean.difference;
        change.p = change.holm_p = are_verdicts(now) && are_verdicts(before) ? mcnemar(before, now) : mean.p;
      }
      changes.push_back(std::move(change));
    }
    return changes;
  }

 private:
  /// A divergence of 0 is no failure: only answers pass or fail.
  bool are_verdicts(std::span<const double> values) const {
    return task_.kind() == TaskKind::answers && detail::is_verdict(values);
  }

  AnyTask task_;
};

}  // namespace kvx::inline v0
