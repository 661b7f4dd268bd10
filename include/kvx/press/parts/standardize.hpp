#pragma once

#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>

namespace kvx::inline v0::detail {

/// Shifts and scales the scores of a layer, all heads together, to mean 0 and deviation 1 (over n - 1, and taken as
/// 1e-6 where it is smaller).
inline void standardize(Scores scores) {
  const double count = static_cast<double>(scores.size()), mean = scores.cast<double>().sum() / count;
  const double deviation = std::sqrt((scores.cast<double>().array() - mean).square().sum() / (count - 1));
  // In this order a deviation that is not a number, that of a single score, becomes 1e-6 as well.
  const double scale = 1 / std::max(1e-6, deviation);
  scores = ((scores.cast<double>().array() - mean) * scale).cast<float>();
}

}  // namespace kvx::inline v0::detail
