#pragma once

#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>

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

/// Queries over the rows of one KV head.
template <class T>
struct AttentionJob {
  std::span<AttentionQuery> queries;
  const T *keys, *values;  // [last, head_dim]
  Index first, last;       // the rows to run over
  Index head_dim, stride;
  float scale;
};

inline constexpr Index kAttentionPanel = 16;

/// A block of rows as floats. Keys are panels [head_dim, 16], a lane being a key; lanes behind the last key hold what
/// they happen to, and no query sees them.
struct AttentionBlock {
  Index first, count;   // of the rows
  const float* keys;    // [64 / 16, head_dim, 16]
  const float* values;  // [count, head_dim]
  Index value_stride;
};

template <int kLanes, class T>
[[gnu::always_inline]] inline void pack_keys(const AttentionJob<T>& job, Index first, Index count, float* packed) {
  using S = Simd<kLanes>;
  for (Index j = 0; j < count; j += kLanes) {
    float* const panel = packed + j / kAttentionPanel * kAttentionPanel * job.head_dim + j % kAttentionPanel;
    for (Index d = 0; d < job.head_dim; d += kLanes) {
      const Index width = std::min<Index>(kLanes, job.head_dim - d);
      typename S::Float rows[std::size_t{kLanes}];
      for (Index i = 0; i < kLanes; ++i) {
        typename S::Float key;
        load_part<kLanes>(job.keys + (first + std::min(j + i, count - 1)) * job.stride + d, width, key);
        rows[i] = key;
      }
      transpose<kLanes>(rows);
      for (Index i = 0; i < width; ++i) S::store(rows[i], panel + (d + i) * kAttentionPanel);
    }
  }
}

/// `count` rows from `first` on; `memory` has room for two times 64 x head_dim.
template <int kLanes, class T>
[[gnu::always_inline]] inline AttentionBlock block_of(const AttentionJob<T>& job, Index first, Index count,
                                                      float* memory) {
  pack_keys<kLanes>(job, first, count, memory);
  const T* const from = job.values + first * job.stride;
  if constexpr (std::is_same_v<T, float>) return {first, count, memory, from, job.stride};
  float* const values = memory + kAttentionBlock * job.head_dim;
  for (Index j = 0; j < count; ++j)
    for (Index d = 0; d < job.head_dim; d += kLanes) {
      const Index width = std::min<Index>(kLanes, job.head_dim - d);
      typename Simd<kLanes>::Float value;
      load_part<kLanes>(from + j * job.stride + d, width, value);
      store_part<kLanes>(value, width, values + j * job.head_dim + d);
    }
  return {first, count, memory, values, job.head_dim};
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
    for (Index d = 0; d < head_dim; ++d)
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          Float key;
          Simd<kLanes>::load(keys + (p * head_dim + d) * kAttentionPanel + v * kLanes, key);
#pragma GCC unroll 16
          for (int r = 0; r < kRows; ++r) sum[r][p][v] += key * queries[r].query[d];
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
  for (int r = 0; r < kRows; ++r)
    for (Index j = std::max<Index>(0, std::min(queries[r].seen, rows) - block.first); j < kAttentionBlock; ++j)
      scores[r][j] = -std::numeric_limits<float>::infinity();
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
  float lanes[std::size_t{kLanes}];
  S::store(sum, lanes);
  double total = 0;
  for (const float lane : lanes) total += static_cast<double>(lane);
  return total;
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
  float lanes[std::size_t{kLanes}];
  S::store(highest, lanes);
  for (const float lane : lanes) so_far = std::max(so_far, lane);
  return so_far;
}

/// kVectors registers of channels from `channel` on: out = factor * out + sum over j of weights[j] * values[j].
template <int kLanes, int kRows, int kVectors>
[[gnu::always_inline]] inline void value_tile(const AttentionQuery* queries, Index width, const AttentionBlock& block,
                                              Index channel, const float (*weights)[kAttentionBlock],
                                              const float* factors) {
  using Float = typename Simd<kLanes>::Float;
  Float sum[std::size_t{kRows}][std::size_t{kVectors}], value;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      load_part<kLanes>(queries[r].out + channel + v * kLanes, width, sum[r][v]);
      sum[r][v] *= factors[r];
    }
  for (Index j = 0; j < block.count; ++j)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      load_part<kLanes>(block.values + j * block.value_stride + channel + v * kLanes, width, value);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) sum[r][v] += value * weights[r][j];
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
  for (int r = 0; r < kRows; ++r) {
    AttentionQuery& q = queries[r];
    factors[r] = 1;
    const float highest = highest_of<kLanes>(scores[r], q.highest);
    if (highest != q.highest) {
      typename Simd<kLanes>::Float factor = typename Simd<kLanes>::Float{} + (q.highest - highest);
      Simd<kLanes>::exp(factor);
      factors[r] = factor[0];
      q.total *= static_cast<double>(factors[r]);
      q.highest = highest;
    }
    q.total += exp_block<kLanes>(scores[r], q.highest);
  }
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
  for (int r = 0; r < kRows; ++r) {
    (void)exp_block<kLanes>(scores[r], queries[r].highest);
    const float weight = static_cast<float>(1 / queries[r].total);
    for (Index j = 0; j < block.count; ++j) queries[r].received[block.first + j] += scores[r][j] * weight;
  }
}

struct AttentionMemory;

template <int kLanes, int kRows, int kPanels, bool kReceived, class T>
[[gnu::always_inline]] inline void attend_job(const AttentionJob<T>& job) {
  float* const memory = scratch<AttentionMemory, float>(static_cast<std::size_t>(2 * kAttentionBlock * job.head_dim));
  Index last = 0;
  for (const AttentionQuery& query : job.queries) last = std::max(last, std::min(query.seen, job.last));
  for (Index first = job.first; first < last; first += kAttentionBlock) {
    const AttentionBlock block = block_of<kLanes>(job, first, std::min(kAttentionBlock, last - first), memory);
    each_tile<kRows>(
        static_cast<Index>(job.queries.size()), [&]<int rows>(std::integral_constant<int, rows>,
                                                              Index query) __attribute__((always_inline)) {
          AttentionQuery* const some = job.queries.data() + query;
          if constexpr (kReceived)
            receive_tile<kLanes, rows, kPanels>(some, job.last, job.head_dim, job.scale, block);
          else
            attend_tile<kLanes, rows, kPanels>(some, job.last, job.head_dim, job.scale, block);
        });
  }
}

}  // namespace detail

}  // namespace kvx::inline v0
