#pragma once

#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// The indices of the `count` largest scores, ascending. Runs in linear time on average. If scores are equal, the
/// higher index is taken; NaN counts as the lowest score.
inline std::vector<Index> top_k(std::span<const float> scores, Index count) {
  const auto size = static_cast<Index>(scores.size());
  count = std::clamp(count, Index{0}, size);
  std::vector<Index> best;
  if (count == 0) return best;
  const auto without_nan = [](float score) { return std::isnan(score) ? -INFINITY : score; };
  std::vector<float> order(scores.size());
  std::transform(scores.begin(), scores.end(), order.begin(), without_nan);
  const auto last = order.begin() + (count - 1);
  std::nth_element(order.begin(), last, order.end(), std::greater<>());
  const float cut = *last;
  // Of the scores equal to the smallest one taken, the first `left_out` are not taken.
  const auto candidates = std::count_if(order.begin(), order.end(), [&](float score) { return score >= cut; });
  Index left_out = static_cast<Index>(candidates) - count;
  best.reserve(static_cast<std::size_t>(count));
  for (Index i = 0; i < size; ++i) {
    const float score = without_nan(scores[static_cast<std::size_t>(i)]);
    if (score > cut || (score == cut && left_out-- <= 0)) best.push_back(i);
  }
  return best;
}

}  // namespace kvx::inline v0
