#pragma once

#include <kvx/core/top_k.hpp>
#include <kvx/press/parts/best_together.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>

namespace kvx::inline v0::detail {

/// The number of best rows that each head keeps whatever the scores of other heads are: the share `alpha` of `keep`,
/// and at least 1 unless alpha is 0.
inline Index safe_rows(Index keep, double alpha) {
  return alpha > 0 ? std::max<Index>(1, static_cast<Index>(static_cast<double>(keep) * alpha)) : 0;
}

/// The rows of a layer with the highest scores of all heads: `keep` per head on average, and at least `safe` in each
/// head.
inline Kept adaptive_rows(MatrixView<const float> scores, Index keep, Index safe) {
  Matrix<float> ranked = scores;
  for (Index h = 0; h < ranked.rows(); ++h)
    for (const Index j : top_k({ranked.row(h).data(), static_cast<std::size_t>(ranked.cols())}, safe))
      ranked(h, j) = std::max(ranked(h, j), std::numeric_limits<float>::max());
  return best_together(ranked, keep * ranked.rows());
}

/// Throws Error unless alpha is in its range.
inline void check_alpha(std::string_view press, double alpha) { expect_between(press, "alpha", 0, 1, alpha); }

}  // namespace kvx::inline v0::detail
