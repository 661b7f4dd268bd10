#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// Average pooling with stride 1, in place. The row is padded with kernel / 2 zeros on each side. They count in the
/// divisor, which lowers the means at the edges. `kernel` is odd.
inline void average_pool(std::span<float> row, int kernel) {
  const std::vector<float> input(row.begin(), row.end());
  const auto size = static_cast<std::ptrdiff_t>(row.size()), half = static_cast<std::ptrdiff_t>(kernel / 2);
  for (std::ptrdiff_t i = 0; i < size; ++i) {
    float sum = 0;
    for (auto j = std::max<std::ptrdiff_t>(0, i - half); j < std::min(size, i + half + 1); ++j)
      sum += input[static_cast<std::size_t>(j)];
    row[static_cast<std::size_t>(i)] = sum / static_cast<float>(kernel);
  }
}

}  // namespace kvx::inline v0
