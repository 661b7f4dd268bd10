#pragma once

#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/policy.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the attention of the last queries of head `i` over the keys of its KV head, causal softmax, to `sum` [tokens].
inline void add_window_attention(const PressInput& in, Index i, std::vector<float>& sum) {
  const auto keys = in.keys.head(i / (in.queries.heads() / in.kv_heads()));
  const Index window = in.queries.tokens();
  const float scale = 1 / std::sqrt(static_cast<float>(in.head_dim()));
  std::vector<float> weights(sum.size());
  for (Index t = 0; t < window; ++t) {
    const Index seen = in.tokens() - window + t + 1;
    row_kernels().dot_rows(in.queries.row(i, t), view(keys.data(), seen, keys.cols(), keys.outerStride()), scale,
                           weights.data());
    row_kernels().softmax(weights.data(), seen);
    for (std::size_t j = 0; j < static_cast<std::size_t>(seen); ++j) sum[j] += weights[j];
  }
}

}  // namespace kvx::inline v0::detail
