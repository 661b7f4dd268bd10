#pragma once

#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>

namespace kvx::inline v0::detail {

/// Shifts and scales the scores of a layer, all heads together, to mean 0 and standard deviation 1. The deviation is
/// computed with n - 1, and taken as 1e-6 if it is smaller.
inline void standardize(Scores scores) {
  const double count = static_cast<double>(scores.size()), mean = scores.cast<double>().sum() / count;
  const double deviation = std::sqrt((scores.cast<double>().array() - mean).square().sum() / (count - 1));
  // With the arguments in this order, std::max() also replaces NaN, the deviation of a single score.
  const double scale = 1 / std::max(1e-6, deviation);
  scores = ((scores.cast<double>().array() - mean) * scale).cast<float>();
}

}  // namespace kvx::inline v0::detail
