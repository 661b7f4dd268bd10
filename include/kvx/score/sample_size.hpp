#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/mcnemar_power.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <string>

namespace kvx::inline v0 {

/// What a comparison of a cell with the base on the same samples ought to see.
struct PairedPlan {
  double base = 0;                        ///< the share of the samples that the base gets right
  double drop = 0;                        ///< by how much the cell's share is lower
  std::optional<double> discordant = {};  ///< the share on which they differ; none: independent_discordance()
  double alpha = 0.05;                    ///< of the two-sided test; over m tests 0.05 / m is safe under holm()
  double power = 0.8;
};

/// The share of the samples on which base and cell differ if the one's success tells nothing of the other's. Two that
/// succeed on the same samples differ on fewer, so that a plan made with this takes rather too many.
inline double independent_discordance(double base, double drop) {
  const double cell = base - drop;
  return base * (1 - cell) + cell * (1 - base);
}

namespace detail {

/// The inverse of the normal distribution function, by Newton's method, which comes from 0 without overshooting.
inline double normal_quantile(double p) {
  double x = 0;
  for (double step = 1; std::abs(step) > 1e-13;) {
    const double missing = p - std::erfc(-x / std::numbers::sqrt2) / 2;
    step = missing * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
    x += step;
  }
  return x;
}

/// The plan's discordant share. Throws Error for a plan that asks for what cannot be.
inline double checked_discordance(const PairedPlan& plan) {
  const auto check = [](const char* field, double value, double low, double high) {
    constexpr double kRounding = 1e-9;  // of a caller's subtractions
    if (!(value >= low - kRounding && value <= high + kRounding))
      throw Error(std::string("plan: ") + field, "expected " + std::to_string(low) + " to " + std::to_string(high) +
                                                     ", found " + std::to_string(value));
  };
  check("base", plan.base, 0, 1);
  check("drop", plan.drop, 0.001, plan.base);
  check("alpha", plan.alpha, 1e-6, 0.5);
  check("power", plan.power, 0.5, 0.999);
  const double both = 2 * plan.base - plan.drop;  // the two's shares of right answers
  const double discordant = plan.discordant.value_or(independent_discordance(plan.base, plan.drop));
  check("discordant", discordant, plan.drop, std::min(both, 2 - both));
  return std::clamp(discordant, plan.drop, 1.0);
}

}  // namespace detail

/// How many samples McNemar's test without a continuity correction needs, by a normal approximation: Connor, "Sample
/// Size for Testing Differences in Proportions for the Paired-Sample Design" (1987), page 209. Throws Error for a plan
/// out of range.
inline std::size_t connor_samples(const PairedPlan& plan) {
  const double discordant = detail::checked_discordance(plan);
  const double test = -detail::normal_quantile(plan.alpha / 2) * std::sqrt(discordant);
  const double seen = detail::normal_quantile(plan.power) * std::sqrt(discordant - plan.drop * plan.drop);
  return static_cast<std::size_t>(std::ceil(std::pow((test + seen) / plan.drop, 2)));
}

/// How many samples kvx's test, mcnemar(), needs: the first number from Connor's on at which it has the power, in steps
/// of half a percent. The exact test needs up to a tenth more than Connor's. Throws Error as connor_samples() does.
inline std::size_t paired_samples(const PairedPlan& plan) {
  const double discordant = detail::checked_discordance(plan);
  std::size_t samples = connor_samples(plan);
  while (mcnemar_power(samples, plan.drop, discordant, plan.alpha) < plan.power)
    samples += std::max<std::size_t>(1, samples / 200);
  return samples;
}

}  // namespace kvx::inline v0
