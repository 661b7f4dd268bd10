#pragma once

#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/context_values.hpp>
#include <kvx/score/statistics/estimate_mean.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline constexpr std::size_t kMinClassSize = 20;

}  // namespace detail

/// Describes ifeval_summaries(), in their order.
inline std::span<const Metric> ifeval_summary_metrics() {
  static constexpr std::array<Metric, 4> kMetrics = {{{.name = "inst_strict", .role = Role::following},
                                                      {.name = "inst_loose"},
                                                      {.name = "class_low"},
                                                      {.name = "class_high"}}};
  return kMetrics;
}

/// Summaries over the instructions of all answers, with contexts as the units of intervals: the share of instructions
/// that were followed, strictly and loosely; and, strictly, the share in the class that is followed least and in the
/// class that is followed most. The mean hides that some classes are lost earlier than others. Classes of fewer than 20
/// instructions are left out. The interval of the lowest class does not account for its being chosen as the lowest.
inline std::vector<Estimate> ifeval_summaries(std::span<const Grade> grades) {
  std::array<ContextValues, 2> pooled;           // strictly and loosely
  std::map<std::string, ContextValues> classes;  // by class of instructions
  for (std::size_t i = 0; i < grades.size(); ++i) {
    const std::string context = context_of(grades[i], i);
    for (const GradePart& part : grades[i].parts) {
      for (std::size_t v = 0; v < pooled.size(); ++v) pooled[v].add(context, part.values[v]);
      classes[part.group.substr(0, part.group.find(':'))].add(context, part.values[0]);
    }
  }
  std::erase_if(classes, [](const auto& named) { return values_in(named.second.contexts()) < detail::kMinClassSize; });
  std::vector<Estimate> large;
  for (const auto& [name, followed] : classes) large.push_back(estimate_mean(name, followed.contexts(), true));
  if (large.empty()) large.emplace_back();
  auto [low, high] = std::minmax_element(large.begin(), large.end(),
                                         [](const Estimate& a, const Estimate& b) { return a.value < b.value; });
  std::vector<Estimate> shares = {estimate_mean("inst_strict", pooled[0].contexts(), true),
                                  estimate_mean("inst_loose", pooled[1].contexts(), true), *low, *high};
  shares[2].name = "class_low";
  shares[3].name = "class_high";
  return shares;
}

}  // namespace kvx::inline v0
