#pragma once

#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// The indices of the `count` largest scores, ascending. Equal scores keep the lower index; NaN counts as lowest.
inline std::vector<Index> top_k(std::span<const float> scores, Index count) {
  std::vector<Index> order(scores.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto score = [&](Index i) {
    const float s = scores[static_cast<std::size_t>(i)];
    return std::isnan(s) ? -INFINITY : s;
  };
  const auto better = [&](Index a, Index b) { return score(a) != score(b) ? score(a) > score(b) : a < b; };
  const auto end = order.begin() + std::clamp(count, Index{0}, static_cast<Index>(order.size()));
  if (end != order.end()) std::nth_element(order.begin(), end, order.end(), better);
  order.erase(end, order.end());
  order.shrink_to_fit();
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace kvx::inline v0
