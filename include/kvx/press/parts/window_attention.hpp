#pragma once

#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/policy.hpp>

#include <cmath>

namespace kvx::inline v0::detail {

/// Adds the attention of the last queries of head `i` over the keys of its KV head, causal softmax, to `sum` [tokens].
inline void add_window_attention(const PressInput& in, Index i, Eigen::RowVectorXf& sum) {
  const auto keys = in.keys.head(i / (in.queries.heads() / in.kv_heads()));
  const Index window = in.queries.tokens();
  const float scale = 1 / std::sqrt(static_cast<float>(in.head_dim()));
  Eigen::RowVectorXf weights(in.tokens());
  for (Index t = 0; t < window; ++t) {
    const Index seen = in.tokens() - window + t + 1;
    row_kernels().dot_rows(in.queries.row(i, t), view(keys.data(), seen, keys.cols(), keys.outerStride()), scale,
                           weights.data());
    row_kernels().softmax(weights.data(), seen);
    sum.head(seen) += weights.head(seen);
  }
}

}  // namespace kvx::inline v0::detail
