#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace kvx::inline v0 {

/// A query and the state of its attention. It sees the rows [first, seen) of those that are passed with it.
struct AttentionQuery {
  const float* query;  ///< [head_dim]
  float* out;          ///< [head_dim], the weighted sum of values; zeros at first
  Index seen;
  float* received = nullptr;                                ///< [rows], to which attention_received() adds the weights
  float highest = -std::numeric_limits<float>::infinity();  ///< the highest scaled score
  double total = 0;                                         ///< the sum of exp(score - highest)
  Index first = 0;                                          ///< above 0 only in a layer with a window
};

/// The number of rows in a block. Blocks are counted from the first row, so that the result of a query does not depend
/// on the other queries.
inline constexpr Index kAttentionBlock = 64;

namespace detail {

inline constexpr Index kAttentionPanel = 16;

/// A block of rows as floats. Keys are in panels [head_dim, 16], where each lane is a key. Lanes after the last key
/// hold arbitrary values, which no query sees.
struct AttentionBlock {
  Index first, count;   // of the rows
  const float* keys;    // [64 / 16, head_dim, 16]
  const float* values;  // [count, head_dim]
  Index value_stride;
};

/// Sets the scores of rows that a query does not see to minus infinity. `first` is the first row of the block.
[[gnu::always_inline]] inline void hide_unseen(const AttentionQuery& query, Index rows, Index first, float* scores) {
  constexpr float kHidden = -std::numeric_limits<float>::infinity();
  for (Index j = std::max<Index>(0, std::min(query.seen, rows) - first); j < kAttentionBlock; ++j) scores[j] = kHidden;
  for (Index j = 0; j < std::min(query.first - first, kAttentionBlock); ++j) scores[j] = kHidden;
}

/// Computes the scaled scores of kRows queries with a block. The scores of rows that a query does not see are minus
/// infinity.
template <int kLanes, int kRows, int kPanels>
[[gnu::always_inline]] inline void score_tile(const AttentionQuery* queries, Index rows, Index head_dim, float scale,
                                              const AttentionBlock& block, float (*scores)[kAttentionBlock]) {
  using Float = typename Simd<kLanes>::Float;
  constexpr int kVectors = kAttentionPanel / kLanes;
  for (Index panel = 0; panel < kAttentionBlock / kAttentionPanel; panel += kPanels) {
    Float sum[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{kVectors}] = {};
    const float* const keys = block.keys + panel * kAttentionPanel * head_dim;
    for (Index d = 0; d < head_dim; ++d) {
      Float key[std::size_t{kPanels}][std::size_t{kVectors}], loaded;
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          Simd<kLanes>::load(keys + (p * head_dim + d) * kAttentionPanel + v * kLanes, loaded);
          key[p][v] = loaded;
        }
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const float q = queries[r].query[d];
#pragma GCC unroll 16
        for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) sum[r][p][v] += key[p][v] * q;
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v)
          Simd<kLanes>::store(sum[r][p][v] * scale, scores[r] + (panel + p) * kAttentionPanel + v * kLanes);
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) hide_unseen(queries[r], rows, block.first, scores[r]);
}

/// Sets scores[j] = exp(scores[j] - highest), which is 0 for minus infinity, and returns their sum.
template <int kLanes>
[[gnu::always_inline]] inline double exp_block(float* scores, float highest) {
  using S = Simd<kLanes>;
  typename S::Float sum = {}, score, x;
  for (Index j = 0; j < kAttentionBlock; j += kLanes) {
    S::load(scores + j, score);
    x = score - highest;
    S::exp(x);
    x = score == -std::numeric_limits<float>::infinity() ? typename S::Float{} : x;
    S::store(x, scores + j);
    sum += x;
  }
  return sum_lanes<kLanes>(sum);
}

/// The highest of a block's scores and `previous`.
template <int kLanes>
[[gnu::always_inline]] inline float highest_score(const float* scores, float previous) {
  using S = Simd<kLanes>;
  typename S::Float highest, score;
  S::load(scores, highest);
  for (Index j = kLanes; j < kAttentionBlock; j += kLanes) {
    S::load(scores + j, score);
    highest = score > highest ? score : highest;
  }
  highest_lane<kLanes>(highest);
  return std::max(previous, highest[0]);
}

/// Replaces a block's scores with the weights exp(score - highest), and adds them to the query's total. Returns the
/// factor by which the query's earlier weights have to be multiplied.
template <int kLanes>
[[gnu::always_inline]] inline float weigh_block(AttentionQuery& query, float* scores) {
  float factor = 1;
  const float highest = highest_score<kLanes>(scores, query.highest);
  if (highest != query.highest) {
    typename Simd<kLanes>::Float change = typename Simd<kLanes>::Float{} + (query.highest - highest);
    Simd<kLanes>::exp(change);
    factor = change[0];
    query.total *= static_cast<double>(factor);
    query.highest = highest;
  }
  query.total += exp_block<kLanes>(scores, query.highest);
  return factor;
}

/// Adds a query's weights to the attention that the block's rows have received.
template <int kLanes>
[[gnu::always_inline]] inline void receive_block(const AttentionQuery& query, float* scores, Index first, Index count) {
  (void)exp_block<kLanes>(scores, query.highest);
  const float weight = static_cast<float>(1 / query.total);
  for (Index j = 0; j < count; ++j) query.received[first + j] += scores[j] * weight;
}

/// Updates kVectors registers of channels, beginning with `channel`: out = factor * out + sum over j of weights[j] *
/// values[j].
template <int kLanes, int kRows, int kVectors>
[[gnu::always_inline]] inline void value_tile(const AttentionQuery* queries, Index width, const AttentionBlock& block,
                                              Index channel, const float (*weights)[kAttentionBlock],
                                              const float* factors) {
  using Float = typename Simd<kLanes>::Float;
  Float sum[std::size_t{kRows}][std::size_t{kVectors}], value[std::size_t{kVectors}], loaded;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      load_part<kLanes>(queries[r].out + channel + v * kLanes, width, loaded);
      sum[r][v] = loaded * factors[r];
    }
  for (Index j = 0; j < block.count; ++j) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      load_part<kLanes>(block.values + j * block.value_stride + channel + v * kLanes, width, loaded);
      value[v] = loaded;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float weight = weights[r][j];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][v] += value[v] * weight;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) store_part<kLanes>(sum[r][v], width, queries[r].out + channel + v * kLanes);
}

/// Adds a block of rows to the attention of kRows queries.
template <int kLanes, int kRows, int kPanels>
[[gnu::always_inline]] inline void attend_tile(AttentionQuery* queries, Index rows, Index head_dim, float scale,
                                               const AttentionBlock& block) {
  float scores[std::size_t{kRows}][kAttentionBlock], factors[std::size_t{kRows}];
  score_tile<kLanes, kRows, kPanels>(queries, rows, head_dim, scale, block, scores);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) factors[r] = weigh_block<kLanes>(queries[r], scores[r]);
  constexpr int kVectors = kPanels * static_cast<int>(kAttentionPanel) / kLanes;
  Index channel = 0;
  for (; channel + kVectors * kLanes <= head_dim; channel += kVectors * kLanes)
    value_tile<kLanes, kRows, kVectors>(queries, kLanes, block, channel, scores, factors);
  for (; channel < head_dim; channel += kLanes)
    value_tile<kLanes, kRows, 1>(queries, std::min<Index>(kLanes, head_dim - channel), block, channel, scores, factors);
}

/// Adds the weights of kRows queries, for which attend_tile() has run, to the attention that the block's rows have
/// received.
template <int kLanes, int kRows, int kPanels>
[[gnu::always_inline]] inline void receive_tile(AttentionQuery* queries, Index rows, Index head_dim, float scale,
                                                const AttentionBlock& block) {
  float scores[std::size_t{kRows}][kAttentionBlock];
  score_tile<kLanes, kRows, kPanels>(queries, rows, head_dim, scale, block, scores);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) receive_block<kLanes>(queries[r], scores[r], block.first, block.count);
}

}  // namespace detail

}  // namespace kvx::inline v0
