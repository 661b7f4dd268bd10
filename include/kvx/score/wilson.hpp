#pragma once

#include <kvx/score/estimate.hpp>

#include <algorithm>
#include <cmath>

namespace kvx::inline v0 {

/// The interval of a share `p` of `n` answers, `edge` standard errors to each side. `n` need not be an integer. Wilson,
/// "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
inline Estimate wilson_interval(double p, double n, double edge) {
  const double centre = p + edge * edge / (2 * n), scale = 1 + edge * edge / n;
  const double half = edge * std::sqrt(std::max(0.0, p * (1 - p)) / n + edge * edge / (4 * n * n));
  return {.value = p, .low = std::max(0.0, (centre - half) / scale), .high = std::min(1.0, (centre + half) / scale)};
}

}  // namespace kvx::inline v0
