#pragma once

#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cmath>

namespace kvx::inline v0 {

/// The interval of a share `p` of `n` answers, `edge` standard errors to each side. `n` need not be an integer. Wilson,
/// "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
inline Estimate wilson_interval(double p, double n, double edge) {
  const double center = p + edge * edge / (2 * n), scale = 1 + edge * edge / n;
  const double half = edge * std::sqrt(std::max(0.0, p * (1 - p)) / n + edge * edge / (4 * n * n));
  return {.value = p, .low = std::max(0.0, (center - half) / scale), .high = std::min(1.0, (center + half) / scale)};
}

}  // namespace kvx::inline v0
