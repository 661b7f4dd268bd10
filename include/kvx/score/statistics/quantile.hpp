#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace kvx::inline v0 {

/// The quantile at `fraction`, 0 to 1, of ascending values, interpolated linearly between two neighbors:
/// numpy.quantile's default, and what llama.cpp's perplexity tool prints. NaN if there are no values.
inline double quantile(std::span<const double> sorted, double fraction) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double weight = position - std::floor(position);
  return weight == 0 || low == high ? low : low + weight * (high - low);  // infinite neighbors have no difference
}

}  // namespace kvx::inline v0
