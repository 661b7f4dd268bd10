#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace kvx::inline v0 {

/// McNemar's exact two-sided test: the probability, if better and worse were equally likely, that the pairs which
/// differ split at least as unevenly as `better` against `worse`.
inline double mcnemar(std::size_t better, std::size_t worse) {
  const auto pairs = static_cast<double>(better + worse);
  double tail = 0;
  for (std::size_t i = 0; i <= std::min(better, worse); ++i) {
    const auto k = static_cast<double>(i);
    tail += std::exp(std::lgamma(pairs + 1) - std::lgamma(k + 1) - std::lgamma(pairs - k + 1) - pairs * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}
/// The same of paired values, of which cell[i] and base[i] are of one sample.
inline double mcnemar(std::span<const double> base, std::span<const double> cell) {
  std::size_t better = 0, worse = 0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    better += cell[i] > base[i];
    worse += cell[i] < base[i];
  }
  return mcnemar(better, worse);
}

}  // namespace kvx::inline v0
