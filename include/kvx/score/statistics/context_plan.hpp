#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/statistics/student_t.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>

namespace kvx::inline v0 {

/// A drop that a comparison of a cell with the base on the same samples should detect, and how the samples are grouped
/// into contexts.
struct ContextPlan {
  double base = 0;                        ///< the share of the samples that the base gets right
  double drop = 0;                        ///< how much lower the cell's share is
  std::optional<double> discordant = {};  ///< the share on which they differ; default: independent_discordance()
  double context_samples = 1;             ///< samples per context, on average
  double size_cv = 0;                     ///< the standard deviation of samples per context, over their average
  double icc = 0;                         ///< intraclass_correlation() of the differences; below 0 counts as 0
  double alpha = 0.05;                    ///< level of the two-sided test; for m tests under holm(), 0.05 / m is safe
  double power = 0.8;
};

/// The share of the samples on which base and cell differ if they succeed independently of each other. If they mostly
/// succeed on the same samples, they differ on fewer, and a plan with this share asks for more contexts than necessary.
inline double independent_discordance(double base, double drop) {
  const double cell = base - drop;
  return base * (1 - cell) + cell * (1 - base);
}

namespace detail {

/// The plan's discordant share. Throws Error for a plan with impossible values.
inline double checked_discordance(const ContextPlan& plan) {
  const auto check = [](const char* field, double value, double low, double high) {
    constexpr double kRounding = 1e-9;  // allowance for a caller's subtractions
    if (!(value >= low - kRounding && value <= high + kRounding))
      throw Error(std::string("plan: ") + field, "expected " + std::to_string(low) + " to " + std::to_string(high) +
                                                     ", found " + std::to_string(value));
  };
  check("base", plan.base, 0, 1);
  check("drop", plan.drop, 0.001, plan.base);
  check("samples of a context", plan.context_samples, 1, 1e6);
  check("size_cv", plan.size_cv, 0, 100);
  check("icc", plan.icc, -1, 1);
  check("alpha", plan.alpha, 1e-6, 0.5);
  check("power", plan.power, 0.5, 0.999);
  const double both = 2 * plan.base - plan.drop;  // the sum of both shares of right answers
  const double discordant = plan.discordant.value_or(independent_discordance(plan.base, plan.drop));
  check("discordant", discordant, plan.drop, std::min(both, 2 - both));
  return std::clamp(discordant, plan.drop, 1.0);
}

}  // namespace detail

/// The factor by which grouping samples into contexts raises the number of samples needed, compared with independent
/// samples: Kish, "Survey Sampling" (1965), section 5.4, with contexts of unequal size.
inline double design_effect(const ContextPlan& plan) {
  const double size = (1 + plan.size_cv * plan.size_cv) * plan.context_samples;
  return 1 + (size - 1) * std::max(0.0, plan.icc);
}

/// The chance that the t test of the contexts' mean differences detects the drop. Throws Error for a plan out of range.
inline double plan_power(const ContextPlan& plan, std::size_t contexts) {
  const double discordant = detail::checked_discordance(plan);
  const double variance = (discordant - plan.drop * plan.drop) * design_effect(plan) / plan.context_samples;
  const auto count = static_cast<double>(contexts);
  if (variance <= 0) return 1;  // every sample that the base gets right is lost
  return t_test_power(plan.drop / std::sqrt(variance / count), count - 1, plan.alpha);
}

/// The smallest number of contexts, at least two, with the plan's power. kvx itself tests by sign flips. They have a
/// little less power if contexts are few, and need at least kLeastForSignFlips contexts for a p below 5 %. Throws Error
/// for a plan out of range.
inline std::size_t planned_contexts(const ContextPlan& plan) {
  std::size_t few = 1, enough = 2;  // the power of the first is too low, that of the second is not
  while (plan_power(plan, enough) < plan.power) few = enough, enough *= 2;
  while (enough - few > 1) {
    const std::size_t middle = few + (enough - few) / 2;
    (plan_power(plan, middle) < plan.power ? few : enough) = middle;
  }
  return enough;
}

/// The smallest number of contexts with which sign flips can have a p below 5 %. With five that all get worse, p is
/// 2 / 32.
inline constexpr std::size_t kLeastForSignFlips = 6;

}  // namespace kvx::inline v0
