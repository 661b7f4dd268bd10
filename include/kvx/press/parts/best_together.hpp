#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/press/policy.hpp>

#include <cstddef>

namespace kvx::inline v0::detail {

/// The `count` rows with the highest scores of all heads; scores are [heads, tokens]. If scores are equal, the newer
/// row is taken, or for the same token the row of the later head.
inline Kept best_together(const Matrix<float>& scores, Index count) {
  const Index heads = scores.rows();
  const Matrix<float> by_row = scores.transpose();  // [tokens, heads]: a newer row has a higher index
  Kept kept(static_cast<std::size_t>(heads));
  for (const Index index : top_k({by_row.data(), static_cast<std::size_t>(by_row.size())}, count))
    kept[static_cast<std::size_t>(index % heads)].push_back(index / heads);
  return kept;
}

}  // namespace kvx::inline v0::detail
