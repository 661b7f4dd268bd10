#pragma once

#include <kvx/core/pooling.hpp>
#include <kvx/press/parts/standardize.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace kvx::inline v0::detail {

/// The attention that each key gets from all queries of its chunk, earlier and later ones, averaged over the query
/// heads, times the norm of its value; then averaged over three neighboring rows, and standardized over the layer.
/// `queries` are [heads, tokens, head_dim], `keys` and `values` [kv_heads, tokens, head_dim]. A shorter last chunk is
/// filled up with zero keys and queries, as in kvpress.
inline void non_causal_scores(TensorView<const float> queries, TensorView<const float> keys,
                              TensorView<const float> values, Index chunk, Scores out) {
  const Index group = queries.heads() / keys.heads();
  const std::vector<float> weights(static_cast<std::size_t>(chunk), 1 / static_cast<float>(group));
  out.setZero();
  for (Index h = 0; h < keys.heads(); ++h) {
    float* const row = out.row(h).data();
    for (Index first = 0; first < keys.tokens(); first += chunk) {
      const Index count = std::min(chunk, keys.tokens() - first);
      const TransposedRows chunk_keys(keys.tokens(first, count).head(h));
      for (Index i = h * group; i < (h + 1) * group; ++i)
        add_attention(
            queries.tokens(first, count).head(i), chunk_keys, 1, weights, [&](Index) { return chunk; }, row + first);
      // Each zero query attends equally to all keys, zero keys included.
      out.row(h).segment(first, count).array() += static_cast<float>(chunk - count) / static_cast<float>(chunk);
    }
    out.row(h).array() *= values.head(h).rowwise().norm().transpose().array();
    average_pool({row, static_cast<std::size_t>(out.cols())}, 3);
  }
  standardize(out);
}

}  // namespace kvx::inline v0::detail
