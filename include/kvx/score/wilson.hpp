#pragma once

#include <kvx/score/better.hpp>
#include <kvx/score/interval.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// A share of `n` answers with its 95 % interval; NaN when n is 0.
struct Share {
  std::string name;
  double value = 0;
  std::size_t n = 0;
  double low = 0, high = 0;
  double error = std::numeric_limits<double>::quiet_NaN();  ///< standard error of a mean; NaN where there is none
  Better better = Better::more;
};

/// Of a share `p` of `n` answers, which need not be whole. Wilson, "Probable Inference, the Law of Succession, and
/// Statistical Inference" (1927).
inline Interval wilson_interval(double p, double n) {
  constexpr double z = 1.959963984540054;
  const double centre = p + z * z / (2 * n), scale = 1 + z * z / n;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {p, std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

/// The share that `hits`, a sum of values from 0 to 1, is of n answers.
inline Share wilson(std::string name, double hits, std::size_t n) {
  if (n == 0) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    return {std::move(name), kNone, 0, kNone, kNone};
  }
  const Interval interval = wilson_interval(hits / static_cast<double>(n), static_cast<double>(n));
  return {std::move(name), interval.value, n, interval.low, interval.high};
}

}  // namespace kvx::inline v0
