#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

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

namespace detail {

/// Queries over the rows of one KV head.
template <class T>
struct AttentionJob {
  std::span<AttentionQuery> queries;
  const T *keys, *values;  // [rows, head_dim]
  Index rows, head_dim, stride;
  float scale;
};

/// Rows are taken in blocks of so many, counted from the first one, so that what a query comes to does not depend on
/// the queries beside it.
inline constexpr Index kAttentionBlock = 64;
inline constexpr Index kAttentionPanel = 16;

/// `count` keys from row `first` on, as panels [head_dim, 16]: a lane is a key. Lanes behind the last key keep what
/// they held; no query sees them.
template <class T>
void pack_keys(const AttentionJob<T>& job, Index first, Index count, float* packed) {
  for (Index j = 0; j < count; ++j) {
    const T* const key = job.keys + (first + j) * job.stride;
    float* const lane = packed + j / kAttentionPanel * kAttentionPanel * job.head_dim + j % kAttentionPanel;
    for (Index d = 0; d < job.head_dim; ++d) lane[d * kAttentionPanel] = static_cast<float>(key[d]);
  }
}

/// Scaled scores of kRows queries with a block of packed keys; what a query does not see is minus infinity.
template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void score_tile(const AttentionJob<T>& job, Index query, Index first, const float* packed,
                                              float (*scores)[kAttentionBlock]) {
  using Float = typename Simd<kLanes>::Float;
  constexpr int kVectors = kAttentionPanel / kLanes;
  const AttentionQuery* const queries = job.queries.data() + query;
  for (Index panel = 0; panel < kAttentionBlock / kAttentionPanel; panel += kPanels) {
    Float sum[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{kVectors}] = {};
    const float* const keys = packed + panel * kAttentionPanel * job.head_dim;
    for (Index d = 0; d < job.head_dim; ++d)
      for (int p = 0; p < kPanels; ++p)
        for (int v = 0; v < kVectors; ++v) {
          Float key;
          Simd<kLanes>::load(keys + (p * job.head_dim + d) * kAttentionPanel + v * kLanes, key);
          for (int r = 0; r < kRows; ++r) sum[r][p][v] += key * queries[r].query[d];
        }
    for (int r = 0; r < kRows; ++r)
      for (int p = 0; p < kPanels; ++p)
        for (int v = 0; v < kVectors; ++v)
          Simd<kLanes>::store(sum[r][p][v] * job.scale, scores[r] + (panel + p) * kAttentionPanel + v * kLanes);
  }
  for (int r = 0; r < kRows; ++r)
    for (Index j = std::max<Index>(0, std::min(queries[r].seen, job.rows) - first); j < kAttentionBlock; ++j)
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
template <int kLanes, int kRows, int kVectors, class T>
[[gnu::always_inline]] inline void value_tile(const AttentionJob<T>& job, Index query, Index first, Index count,
                                              Index channel, const float (*weights)[kAttentionBlock],
                                              const float* factors) {
  using Float = typename Simd<kLanes>::Float;
  const AttentionQuery* const queries = job.queries.data() + query;
  const Index width = kVectors > 1 ? kLanes : std::min<Index>(kLanes, job.head_dim - channel);
  Float sum[std::size_t{kRows}][std::size_t{kVectors}], value;
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) {
      load_part<kLanes>(queries[r].out + channel + v * kLanes, width, sum[r][v]);
      sum[r][v] *= factors[r];
    }
  for (Index j = 0; j < count; ++j)
    for (int v = 0; v < kVectors; ++v) {
      load_part<kLanes>(job.values + (first + j) * job.stride + channel + v * kLanes, width, value);
      for (int r = 0; r < kRows; ++r) sum[r][v] += value * weights[r][j];
    }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) store_part<kLanes>(sum[r][v], width, queries[r].out + channel + v * kLanes);
}

/// One block of keys for kRows queries.
template <int kLanes, int kRows, int kPanels, bool kReceived, class T>
[[gnu::always_inline]] inline void attend_tile(const AttentionJob<T>& job, Index query, Index first, Index count,
                                               const float* packed) {
  float scores[std::size_t{kRows}][kAttentionBlock], factors[std::size_t{kRows}];
  score_tile<kLanes, kRows, kPanels>(job, query, first, packed, scores);
  for (int r = 0; r < kRows; ++r) {
    AttentionQuery& q = job.queries[static_cast<std::size_t>(query + r)];
    if (kReceived) {
      (void)exp_block<kLanes>(scores[r], q.highest);
      const float weight = static_cast<float>(1 / q.total);
      for (Index j = 0; j < count; ++j) q.received[first + j] += scores[r][j] * weight;
      continue;
    }
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
  if (kReceived) return;
  constexpr int kVectors = kPanels * static_cast<int>(kAttentionPanel) / kLanes;
  Index channel = 0;
  for (; channel + kVectors * kLanes <= job.head_dim; channel += kVectors * kLanes)
    value_tile<kLanes, kRows, kVectors>(job, query, first, count, channel, scores, factors);
  for (; channel < job.head_dim; channel += kLanes)
    value_tile<kLanes, kRows, 1>(job, query, first, count, channel, scores, factors);
}

/// The last queries, fewer than a whole tile.
template <int kLanes, int kRows, int kPanels, bool kReceived, class T>
[[gnu::always_inline]] inline void attend_rest(const AttentionJob<T>& job, Index query, Index first, Index count,
                                               const float* packed) {
  if constexpr (kRows > 0) {
    if (static_cast<Index>(job.queries.size()) - query == kRows)
      attend_tile<kLanes, kRows, kPanels, kReceived>(job, query, first, count, packed);
    else
      attend_rest<kLanes, kRows - 1, kPanels, kReceived>(job, query, first, count, packed);
  }
}

template <int kLanes, int kRows, int kPanels, bool kReceived, class T>
[[gnu::always_inline]] inline void attend_job(const AttentionJob<T>& job, float* packed) {
  Index last = 0;
  for (const AttentionQuery& query : job.queries) last = std::max(last, std::min(query.seen, job.rows));
  for (Index first = 0; first < last; first += kAttentionBlock) {
    const Index count = std::min(kAttentionBlock, last - first);
    pack_keys(job, first, count, packed);
    Index query = 0;
    for (; query + kRows <= static_cast<Index>(job.queries.size()); query += kRows)
      attend_tile<kLanes, kRows, kPanels, kReceived>(job, query, first, count, packed);
    attend_rest<kLanes, kRows - 1, kPanels, kReceived>(job, query, first, count, packed);
  }
}

}  // namespace detail

}  // namespace kvx::inline v0
