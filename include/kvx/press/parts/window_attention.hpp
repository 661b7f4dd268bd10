#pragma once

#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/parts/transposed_rows.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the attention of each query, the softmax of scale * q.k over the keys k that it sees, times weights[t], to
/// `sum` [keys]. Query t sees the first seen(t) keys, a number that must not fall with t. If seen(t) is more than the
/// number of keys, the others count as zero keys.
template <class Seen>
void add_attention(MatrixView<const float> queries, const TransposedRows& keys, float scale,
                   std::span<const float> weights, Seen&& seen, float* sum) {
  constexpr Index kBatch = 16;  // queries at a time, so that their logits stay in the L2 cache
  const Index columns = std::max(keys.rows(), seen(queries.rows() - 1));
  Matrix<float> scaled, logits = Matrix<float>::Zero(kBatch, TransposedRows::padded(columns));
  for (Index first = 0; first < queries.rows(); first += kBatch) {
    const Index count = std::min(kBatch, queries.rows() - first);
    scaled = scale * queries.middleRows(first, count);
    const Index reach = std::min(keys.rows(), seen(first + count - 1));
    keys.multiply(view(std::as_const(scaled)), reach, rows_of(view(logits), 0, count));
    for (Index t = 0; t < count; ++t) {
      float* const row = logits.row(t).data();
      const Index last = seen(first + t);
      row_kernels().softmax(row, last);
      if (last < reach) std::fill(row + last, row + reach, 0.0f);
    }
    row_kernels().weighted_sum(&weights[static_cast<std::size_t>(first)],
                               view<const float>(logits.data(), count, reach, logits.cols()), sum);
  }
}

/// Adds the causal attention of the last queries of all query heads of KV head `h` to `sum` [tokens]. Query t counts
/// weights[t] times.
inline void add_window_attention(const PressInput& in, Index h, std::span<const float> weights, float* sum) {
  const Index group = in.queries.heads() / in.kv_heads(), window = in.queries.tokens();
  const TransposedRows keys(in.keys.head(h));
  for (Index i = h * group; i < (h + 1) * group; ++i)
    add_attention(
        in.queries.head(i), keys, in.attention_scale(), weights, [&](Index t) { return in.tokens() - window + t + 1; },
        sum);
}

/// The weights with which add_window_attention() computes the mean over the queries and the query heads of a KV head.
inline std::vector<float> mean_weights(const PressInput& in) {
  const Index window = in.queries.tokens(), group = in.queries.heads() / in.kv_heads();
  return std::vector<float>(static_cast<std::size_t>(window), 1 / static_cast<float>(window * group));
}

/// The causal attention of the last queries, [tokens], averaged over them and over all query heads.
inline std::vector<float> mean_window_attention(const PressInput& in) {
  std::vector<float> mean(static_cast<std::size_t>(in.tokens()));
  for (Index h = 0; h < in.kv_heads(); ++h) add_window_attention(in, h, mean_weights(in), mean.data());
  for (float& attention : mean) attention /= static_cast<float>(in.kv_heads());
  return mean;
}

/// The input as if the context ended before token `end`, with the last `window` queries. `in` must have the queries of
/// all tokens.
inline PressInput ending_at(PressInput in, Index end, Index window) {
  in.queries = in.queries.tokens(end - window, window);
  in.keys = in.keys.tokens(0, end);
  return in;
}

}  // namespace kvx::inline v0::detail
