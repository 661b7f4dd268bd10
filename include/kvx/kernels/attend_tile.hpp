#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace kvx::inline v0 {

/// One query of an attention, and what it has come to so far. It sees the first `seen` of the rows that it is run over.
struct AttentionQuery {
  const float* query;  ///< [head_dim]
  float* out;          ///< [head_dim], the weighted values' sum; zeros to begin with
  Index seen;
  float* received = nullptr;                                ///< [rows]; where attention_received() adds the weights
  float highest = -std::numeric_limits<float>::infinity();  ///< of the scaled scores
  double total = 0;                                         ///< of exp(score - highest)
};

/// Rows are taken in blocks of so many, counted from the first one, so that what a query comes to does not depend on
/// the queries beside it.
inline constexpr Index kAttentionBlock = 64;

namespace detail {

inline constexpr Index kAttentionPanel = 16;

/// A block of rows as floats. Keys are panels [head_dim, 16], a lane being a key; lanes behind the last key hold what
/// they happen to, and no query sees them.
struct AttentionBlock {
  Index first, count;   // of the rows
  const float* keys;    // [64 / 16, head_dim, 16]
  const float* values;  // [count, head_dim]
  Index value_stride;
};

/// Scores of what a query does not see of the block from `first` on become minus infinity.
[[gnu::always_inline]] inline void hide_unseen(const AttentionQuery& query, Index rows, Index first, float* scores) {
  for (Index j = std::max<Index>(0, std::min(query.seen, rows) - first); j < kAttentionBlock; ++j)
    scores[j] = -std::numeric_limits<float>::infinity();
}

/// Scaled scores of kRows queries with a block; what a query does not see is minus infinity.
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
        const float own = queries[r].query[d];
#pragma GCC unroll 16
        for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) sum[r][p][v] += key[p][v] * own;
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

/// scores[j] = exp(scores[j] - highest), and their sum; 0 for minus infinity.
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

/// The highest of a block's scores and `so_far`.
template <int kLanes>
[[gnu::always_inline]] inline float highest_of(const float* scores, float so_far) {
  using S = Simd<kLanes>;
  typename S::Float highest, score;
  S::load(scores, highest);
  for (Index j = kLanes; j < kAttentionBlock; j += kLanes) {
    S::load(scores + j, score);
    highest = score > highest ? score : highest;
  }
  highest_lane<kLanes>(highest);
  return std::max(so_far, highest[0]);
}

/// Makes a block's scores weights, exp(score - highest), and adds them to the query's total. Returns what its earlier
/// weights are to be multiplied by.
template <int kLanes>
[[gnu::always_inline]] inline float weigh_block(AttentionQuery& query, float* scores) {
  float factor = 1;
  const float highest = highest_of<kLanes>(scores, query.highest);
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

/// Adds a query's weights to what the block's rows received.
template <int kLanes>
[[gnu::always_inline]] inline void receive_block(const AttentionQuery& query, float* scores, Index first, Index count) {
  (void)exp_block<kLanes>(scores, query.highest);
  const float weight = static_cast<float>(1 / query.total);
  for (Index j = 0; j < count; ++j) query.received[first + j] += scores[j] * weight;
}

/// kVectors registers of channels from `channel` on: out = factor * out + sum over j of weights[j] * values[j].
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
      const float own = weights[r][j];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][v] += value[v] * own;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) store_part<kLanes>(sum[r][v], width, queries[r].out + channel + v * kLanes);
}

/// One block for kRows queries.
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

/// Adds the weights of kRows queries, which attend_tile() has run, to what the block's rows received.
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
