#pragma once

#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace kvx::inline v0::detail {

template <class Path, bool kReceived, class Job>
[[gnu::always_inline]] inline void attend_blocks(const Job& job);

/// The attention of queries over the rows of one KV head.
template <class T>
struct AttentionJob {
  std::span<AttentionQuery> queries;
  const T *keys, *values;  // [last, head_dim]
  Index first, last;       // the range of rows to process
  Index head_dim, stride;
  float scale;

  Index memory() const { return 2 * kAttentionBlock * head_dim; }  // floats that prepare_block() needs

  template <class Path>
  [[gnu::always_inline]] void run() const {
    attend_blocks<Path, false>(*this);
  }
};

/// Adds the attention that the rows receive from queries for which an AttentionJob has run.
template <class T>
struct ReceivedJob {
  AttentionJob<T> job;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    attend_blocks<Path, true>(job);
  }
};

/// Writes keys [first, first + count) as floats in panels [head_dim, 16].
template <int kLanes, class T>
[[gnu::always_inline]] inline void pack_keys(const AttentionJob<T>& job, Index first, Index count, float* packed) {
  using S = Simd<kLanes>;
  for (Index j = 0; j < count; j += kLanes) {
    float* const panel = packed + j / kAttentionPanel * kAttentionPanel * job.head_dim + j % kAttentionPanel;
    for (Index d = 0; d < job.head_dim; d += kLanes) {
      const Index width = std::min<Index>(kLanes, job.head_dim - d);
      typename S::Float rows[std::size_t{kLanes}];
#pragma GCC unroll 16
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

/// Copies `count` rows of values as floats to `to` [count, to_stride].
template <int kLanes, class T>
[[gnu::always_inline]] inline void copy_values(const T* from, Index stride, Index count, Index head_dim, float* to,
                                               Index to_stride) {
  for (Index j = 0; j < count; ++j)
    for (Index d = 0; d < head_dim; d += kLanes) {
      const Index width = std::min<Index>(kLanes, head_dim - d);
      typename Simd<kLanes>::Float value;
      load_part<kLanes>(from + j * stride + d, width, value);
      store_part<kLanes>(value, width, to + j * to_stride + d);
    }
}

/// Rows [first, first + count) as a block in `memory`. `first` is a multiple of kAttentionBlock.
template <int kLanes, class T>
[[gnu::always_inline]] inline AttentionBlock prepare_block(const AttentionJob<T>& job, Index first, Index count,
                                                           float* memory) {
  pack_keys<kLanes>(job, first, count, memory);
  const T* const from = job.values + first * job.stride;
  if constexpr (std::is_same_v<T, float>) return {first, count, memory, from, job.stride};
  float* const values = memory + kAttentionBlock * job.head_dim;
  copy_values<kLanes>(from, job.stride, count, job.head_dim, values, job.head_dim);
  return {first, count, memory, values, job.head_dim};
}

/// The rows [first, last) that the queries see; `first` is rounded down to the beginning of a block. Blocks outside of
/// them would not change the result.
template <class Job>
inline std::pair<Index, Index> seen_rows(const Job& job) {
  Index first = job.last, last = 0;
  for (const AttentionQuery& query : job.queries) {
    first = std::min(first, query.first);
    last = std::max(last, std::min(query.seen, job.last));
  }
  return {std::max(job.first, first - first % kAttentionBlock), last};
}

struct AttentionMemory;

template <class Path, bool kReceived, class Job>
[[gnu::always_inline]] inline void attend_blocks(const Job& job) {
  constexpr int kLanes = Path::lanes, kRows = Path::tile_rows, kPanels = Path::tile_panels;
  float* const memory = scratch<AttentionMemory, float>(static_cast<std::size_t>(job.memory()));
  const auto [begin, last] = seen_rows(job);
  for (Index first = begin; first < last; first += kAttentionBlock) {
    const AttentionBlock block = prepare_block<kLanes>(job, first, std::min(kAttentionBlock, last - first), memory);
    each_tile<kRows>(
        static_cast<Index>(job.queries.size()), [&]<int rows>(std::integral_constant<int, rows>,
                                                              Index query) __attribute__((always_inline)) {
          AttentionQuery* const tile = job.queries.data() + query;
          if constexpr (kReceived)
            receive_tile<kLanes, rows, kPanels>(tile, job.last, job.head_dim, job.scale, block);
          else
            attend_tile<kLanes, rows, kPanels>(tile, job.last, job.head_dim, job.scale, block);
        });
  }
}

}  // namespace kvx::inline v0::detail
