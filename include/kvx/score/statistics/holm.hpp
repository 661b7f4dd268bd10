#pragma once

#include <kvx/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// The p values of several tests, in their order, adjusted so that the chance of any false alarm among them stays below
/// the level that they are compared with, whatever their dependence. Holm, "A Simple Sequentially Rejective Multiple
/// Test Procedure" (1979). Throws Error for a value that is not a probability.
inline std::vector<double> holm(std::span<const double> p) {
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!(p[i] >= 0 && p[i] <= 1))
      throw Error("p value " + std::to_string(i), "expected 0 to 1, found " + std::to_string(p[i]));
  std::vector<std::size_t> ascending(p.size());
  std::iota(ascending.begin(), ascending.end(), std::size_t{0});
  std::sort(ascending.begin(), ascending.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (std::size_t rank = 0; rank < p.size(); ++rank) {
    const std::size_t test = ascending[rank];
    least = std::max(least, std::min(1.0, static_cast<double>(p.size() - rank) * p[test]));
    adjusted[test] = least;
  }
  return adjusted;
}

}  // namespace kvx::inline v0
