#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace kvx::inline v0 {

/// What the share `at`, 0 to 1, of the ascending values lies below, between two neighbors by linear interpolation:
/// numpy.quantile's default, and what llama.cpp's perplexity tool prints. NaN of no values.
inline double quantile(std::span<const double> sorted, double at) {
  if (sorted.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = at * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)];
  const double part = place - std::floor(place);
  return part == 0 || low == high ? low : low + part * (high - low);  // of infinite neighbors there is no difference
}

}  // namespace kvx::inline v0
