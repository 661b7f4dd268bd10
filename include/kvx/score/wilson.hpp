#pragma once

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
};

/// Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927). `hits` is a sum of values
/// from 0 to 1.
inline Share wilson(std::string name, double hits, std::size_t n) {
  if (n == 0) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    return {std::move(name), kNone, 0, kNone, kNone};
  }
  constexpr double z = 1.959963984540054;
  const double count = static_cast<double>(n), p = hits / count;
  const double centre = p + z * z / (2 * count), scale = 1 + z * z / count;
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count));
  return {std::move(name), p, n, std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

}  // namespace kvx::inline v0
