#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/press/policy.hpp>

#include <cstddef>

namespace kvx::inline v0::detail {

/// The `count` best rows of heads that compete for them; scores are [heads, tokens]. Of equal scores the newer row is
/// taken, whichever head has it.
inline Kept best_together(const Matrix<float>& scores, Index count) {
  const Index heads = scores.rows();
  const Matrix<float> by_row = scores.transpose();  // [tokens, heads]: a newer row has a higher index
  Kept kept(static_cast<std::size_t>(heads));
  for (const Index at : top_k({by_row.data(), static_cast<std::size_t>(by_row.size())}, count))
    kept[static_cast<std::size_t>(at % heads)].push_back(at / heads);
  return kept;
}

}  // namespace kvx::inline v0::detail
