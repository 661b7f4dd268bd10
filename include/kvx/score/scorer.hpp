#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/mcnemar.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/wilson.hpp>

#include <cstddef>
#include <map>
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
};

/// A metric of one cell against another on the same samples.
struct Change {
  std::string metric;
  double value = 0;   ///< the change of the mean
  std::size_t n = 0;  ///< the samples that the metric applies to in both
  double p = 1;       ///< two-sided, of McNemar's exact test
};

/// Aggregates grades of one task.
class Scorer {
 public:
  explicit Scorer(AnyTask task) : task_(std::move(task)) {}

  Score score(std::span<const Grade> grades) const {
    Score result{grades.size(), {}, {}, task_.summaries(grades)};
    for (const Grade& grade : grades) ++result.states[grade.state];
    for (std::size_t m = 0; m < task_.metric_names().size(); ++m) {
      double sum = 0;
      std::size_t n = 0;
      for (const Grade& grade : grades) {
        sum += grade.metrics[m].value_or(0);
        n += grade.metrics[m].has_value();
      }
      result.metrics.push_back(wilson(std::string(task_.metric_names()[m]), sum, n));
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
    for (std::size_t m = 0; m < task_.metric_names().size(); ++m) {
      Change change{std::string(task_.metric_names()[m])};
      std::size_t better = 0, worse = 0;
      for (std::size_t i = 0; i < grades.size(); ++i) {
        const auto now = grades[i].metrics[m], before = base[i].metrics[m];
        if (!now || !before) continue;
        ++change.n;
        change.value += *now - *before;
        better += *now > *before;
        worse += *now < *before;
      }
      if (change.n > 0) change.value /= static_cast<double>(change.n);
      change.p = mcnemar(better, worse);
      changes.push_back(std::move(change));
    }
    return changes;
  }

 private:
  AnyTask task_;
};

}  // namespace kvx::inline v0
