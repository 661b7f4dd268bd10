#pragma once

#include <kvx/score/statistics/better.hpp>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The purpose of a metric beyond its own column. Comparisons and the sections of a report choose metrics by it.
enum class Role {
  none,
  works,       ///< decides whether an answer works
  function,    ///< another measure of whether an answer works
  following,   ///< the share of the instructions that are followed
  leak,        ///< how much of a secret an answer reveals
  loss,        ///< mean negative log-likelihood of a text's predicted tokens
  tokens,      ///< number of a text's predicted tokens
  perplexity,  ///< of the predicted tokens of all texts
  token_time,  ///< how long one generated token takes
};

/// A number that a task computes: a metric of each answer, a summary of all answers, or a value of each part.
struct Metric {
  std::string_view name;
  Better better = Better::more;
  Role role = Role::none;
  std::string_view unit = "share";
  std::string_view words = {};   ///< the name in plain words, for the axis of a chart; may be empty
  std::string_view head = {};    ///< a short name, for the heading of a column; may be empty
  bool shown = true;             ///< in tables; files have all metrics. Hidden metrics must come last.
  bool counts_attempts = false;  ///< whether pass@k is computed from it
};

/// Whether answers in a state are right.
enum class Verdict { good, bad, neutral };

/// A task's word for the outcome of an answer.
struct State {
  std::string_view name;
  Verdict verdict = Verdict::neutral;
};

/// The metric called `name`; nullptr if there is none.
inline const Metric* find_metric(std::span<const Metric> metrics, std::string_view name) {
  const auto found = std::ranges::find(metrics, name, &Metric::name);
  return found == metrics.end() ? nullptr : &*found;
}

/// The first metric with the role `role`; nullptr if there is none.
inline const Metric* find_role(std::span<const Metric> metrics, Role role) {
  const auto found = std::ranges::find(metrics, role, &Metric::role);
  return found == metrics.end() ? nullptr : &*found;
}

/// The names of the metrics that measure whether answers work. The metric that decides comes first.
inline std::vector<std::string_view> function_metrics(std::span<const Metric> metrics) {
  std::vector<std::string_view> names;
  for (const Role role : {Role::works, Role::function})
    for (const Metric& metric : metrics)
      if (metric.role == role) names.push_back(metric.name);
  return names;
}

}  // namespace kvx::inline v0
