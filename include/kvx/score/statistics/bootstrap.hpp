#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace kvx::inline v0 {

struct BootstrapOptions {
  std::size_t resamples = 10'000;
  std::uint64_t seed = 0;
};

/// For each set of units, the indices of the drawn units.
using Resample = std::span<const std::vector<std::size_t>>;

namespace detail {

/// The value of a statistic for all units, and for each resample.
struct Resampled {
  std::optional<double> value;
  std::vector<double> values = {};  // ascending
  std::size_t undefined = 0;        // resamples without a value; the interval leaves them out
};

template <class Statistic>
Resampled resample(std::span<const std::size_t> sizes, const Statistic& statistic, const BootstrapOptions& options) {
  std::vector<std::vector<std::size_t>> drawn;
  for (const std::size_t size : sizes) {
    if (size == 0) throw Error("bootstrap", "expected at least 1 unit in each set, found none");
    std::vector<std::size_t>& indices = drawn.emplace_back(size);
    std::iota(indices.begin(), indices.end(), std::size_t{0});
  }
  const auto defined = [&]() -> std::optional<double> {
    const std::optional<double> value = statistic(Resample(drawn));
    if (value && std::isnan(*value)) throw Error("bootstrap", "expected a statistic that is a number, found NaN");
    return value;
  };
  Resampled result{defined()};
  SplitMix64 random(options.seed);
  for (std::size_t r = 0; r < options.resamples; ++r) {
    for (auto& indices : drawn)
      for (std::size_t& index : indices)
        index = static_cast<std::size_t>(random.uniform() * static_cast<double>(indices.size()));
    if (const auto value = defined())
      result.values.push_back(*value);
    else
      ++result.undefined;
  }
  std::sort(result.values.begin(), result.values.end());
  return result;
}

/// The smallest of the ascending values such that at least `fraction` of them do not exceed it; NaN if there are no
/// values.
inline double percentile(std::span<const double> sorted, double fraction) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double rank = std::ceil(fraction * static_cast<double>(sorted.size()) - 1e-9);
  return sorted[static_cast<std::size_t>(std::max(rank - 1, 0.0))];
}

inline Estimate percentile_interval(const Resampled& resampled) {
  if (!resampled.value) return {};
  return {.value = *resampled.value,
          .low = percentile(resampled.values, 0.025),
          .high = percentile(resampled.values, 0.975)};
}

}  // namespace detail

/// The percentile interval of a statistic under resampling: Efron and Tibshirani, "An Introduction to the Bootstrap"
/// (1993), chapter 13. statistic(Resample) returns its value for the drawn units as std::optional<double>; infinity is
/// a value, NaN is an Error. Each set i of sizes[i] units is resampled separately. Values that depend on each other,
/// such as those of all samples about one context, form one unit. The interval has width 0 if all units are equal, and
/// is too narrow for few units: in simulations with differences of 0 and 1 it held the true value in 95 % of the cases
/// from 50 units on, and in 86 % with 20 units of which an eighth differed. Throws Error for an empty set.
template <class Statistic>
Estimate bootstrap(std::span<const std::size_t> sizes, const Statistic& statistic,
                   const BootstrapOptions& options = {}) {
  return detail::percentile_interval(detail::resample(sizes, statistic, options));
}

}  // namespace kvx::inline v0
