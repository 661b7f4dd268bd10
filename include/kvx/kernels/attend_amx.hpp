#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/amx_tiles.hpp>
#include <kvx/kernels/attend_job.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/pack_attention.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace kvx::inline v0::detail {

/// Up to 16 queries, one per lane, with their softmax state so far: the highest score and the sum of weights.
struct QueryLanes {
  Simd<16>::Float highest = Simd<16>::Float{} - std::numeric_limits<float>::infinity();
  Simd<16>::Double total = {};
  Simd<16>::Int seen = {};  // the end of the rows that each query sees; 0 in a lane without a query
  Index first[16] = {};     // the first row that each query sees
  Index last_first = 0;     // the highest of them

  [[gnu::always_inline]] void load(std::span<const AttentionQuery> queries, Index rows) {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      highest[i] = queries[i].highest;
      total[i] = queries[i].total;
      seen[i] = static_cast<std::int32_t>(std::clamp<Index>(queries[i].seen, 0, rows));
      first[i] = queries[i].first;
      last_first = std::max(last_first, first[i]);
    }
  }
  [[gnu::always_inline]] void store(std::span<AttentionQuery> queries) const {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      queries[i].highest = highest[i];
      queries[i].total = total[i];
    }
  }
};

/// Calls f(std::integral_constant<int, i>()) for i in [0, 4), the tile registers that hold sums.
template <class F>
[[gnu::always_inline]] inline void each_sum(const F& f) {
  f(std::integral_constant<int, 0>());
  f(std::integral_constant<int, 1>());
  f(std::integral_constant<int, 2>());
  f(std::integral_constant<int, 3>());
}

inline constexpr Index kAmxRowBytes = 64;

/// Adds left * right to the first `count` sums. left(part, sum) and right(part) are tiles in memory. Floats have a high
/// and a low part; the product low * low is omitted. A product has to wait for the previous product of the same sum, so
/// the loop alternates between the sums.
template <Index kParts, class Tiles, class Left, class Right>
[[gnu::always_inline]] inline void add_products(Tiles& tiles, Index count, const Left& left, const Right& right) {
  tiles.template load<6>(right(0), kAmxRowBytes);
  tiles.template load<7>(right(1), kAmxRowBytes);
  const auto add = [&]<int right_part>(Index left_part, std::integral_constant<int, right_part>)
      __attribute__((always_inline)) {
    each_sum([&]<int sum>(std::integral_constant<int, sum>) __attribute__((always_inline)) {
      if (sum >= count) return;
      tiles.template load<4 + sum % 2>(left(left_part, sum), kAmxRowBytes);
      tiles.template multiply<sum, 4 + sum % 2, 6 + right_part>();
    });
  };
  add(0, std::integral_constant<int, 0>());
  add(0, std::integral_constant<int, 1>());
  if constexpr (kParts == 2) add(1, std::integral_constant<int, 0>());
}

/// Computes the unscaled scores of a block's keys with a tile of queries: [64 keys, 16 queries].
template <class Tiles, class T>
[[gnu::always_inline]] inline void score_amx_tile(Tiles& tiles, const PackedAttention<T>& packed, Index tile,
                                                  float (*scores)[kAmxRows]) {
  each_sum([&]<int p>(std::integral_constant<int, p>) __attribute__((always_inline)) { tiles.template zero<p>(); });
  for (Index chunk = 0; chunk < packed.chunks; ++chunk)
    add_products<PackedAttention<T>::kParts>(
        tiles, 4, [&](Index part, Index panel) { return packed.key_tile(part, panel, chunk); },
        [&](Index part) { return packed.query_tile(part, tile, chunk); });
  each_sum([&]<int p>(std::integral_constant<int, p>)
               __attribute__((always_inline)) { tiles.template store<p>(scores[p * kAmxRows], kAmxRowBytes); });
}

/// Scales a block's scores. Scores of keys that a query does not see become minus infinity. Raises `highest` to the
/// highest score of each query.
[[gnu::always_inline]] inline void scale_scores(float (*scores)[kAmxRows], float scale, Index first,
                                                const QueryLanes& queries, Simd<16>::Float& highest) {
  using S = Simd<16>;
  if (queries.last_first > first)
    for (Index i = 0; i < 16; ++i)
      for (Index j = 0; j < std::min(queries.first[i] - first, kAttentionBlock); ++j)
        scores[j][i] = -std::numeric_limits<float>::infinity();
  const S::Float hidden = S::Float{} - std::numeric_limits<float>::infinity();
  S::Int remaining = queries.seen - static_cast<std::int32_t>(first);
  for (Index j = 0; j < kAttentionBlock; ++j, remaining -= 1) {
    S::Float score;
    S::load(scores[j], score);
    score = remaining > 0 ? score * scale : hidden;
    S::store(score, scores[j]);
    highest = score > highest ? score : highest;
  }
}

/// Sets x = exp(score - highest), or 0 for a score of minus infinity.
[[gnu::always_inline]] inline void weight_of(const float* scores, const Simd<16>::Float& highest, Simd<16>::Float& x) {
  using S = Simd<16>;
  S::Float score;
  S::load(scores, score);
  x = score - highest;
  S::exp(x);
  x = score == -std::numeric_limits<float>::infinity() ? S::Float{} : x;
}

/// The softmax weights of a block of keys for a tile of queries.
struct AmxWeights {
  alignas(64) float scores[kAttentionBlock][kAmxRows];
  alignas(64) BF16 parts[2][std::size_t{kAttentionBlock / kAmxInputs}][std::size_t{kAmxTile}];  // right factors
  Simd<16>::Float factor;  // for the sums of earlier blocks
};

/// Computes the weights from the unscaled scores in `weights.scores`, and updates the state of the queries.
[[gnu::always_inline]] inline void weigh_amx_tile(AmxWeights& weights, Index first, float scale, QueryLanes& queries) {
  using S = Simd<16>;
  S::Float highest = queries.highest;
  scale_scores(weights.scores, scale, first, queries, highest);
  S::Float change = queries.highest - highest, sum = {};
  S::exp(change);
  weights.factor = queries.highest == highest ? S::Float{} + 1 : change;  // also if both are minus infinity
  for (Index j = 0; j < kAttentionBlock; j += 2) {
    S::Bits high[2], low[2];
#pragma GCC unroll 2
    for (Index i = 0; i < 2; ++i) {
      S::Float weight;
      weight_of(weights.scores[j + i], highest, weight);
      sum += weight;
      split(weight, high[i], low[i]);
    }
    const Index half = j / kAmxInputs, offset = j % kAmxInputs / 2 * kAmxInputs;
    store_pairs(high[0], high[1], weights.parts[0][half] + offset);
    store_pairs(low[0], low[1], weights.parts[1][half] + offset);
  }
  queries.highest = highest;
  queries.total =
      queries.total * __builtin_convertvector(weights.factor, S::Double) + __builtin_convertvector(sum, S::Double);
}

/// out = factor * out + values * weights, [channels, 16 queries].
template <class Tiles, class T>
[[gnu::always_inline]] inline void add_amx_values(Tiles& tiles, const PackedAttention<T>& packed,
                                                  const AmxWeights& weights, float (*out)[kAmxRows]) {
  using S = Simd<16>;
  for (Index panel = 0; panel < packed.value_panels; panel += 4) {
    alignas(64) float sums[4 * kAmxRows][kAmxRows];
    each_sum([&]<int p>(std::integral_constant<int, p>) __attribute__((always_inline)) { tiles.template zero<p>(); });
    for (Index half = 0; half < kAttentionBlock / kAmxInputs; ++half)
      add_products<PackedAttention<T>::kParts>(
          tiles, packed.value_panels - panel,
          [&](Index part, Index sum) { return packed.value_tile(part, panel + sum, half); },
          [&](Index part) { return weights.parts[part][half]; });
    each_sum([&]<int p>(std::integral_constant<int, p>)
                 __attribute__((always_inline)) { tiles.template store<p>(sums[p * kAmxRows], kAmxRowBytes); });
    for (Index i = 0; i < std::min<Index>(4, packed.value_panels - panel) * kAmxRows; ++i) {
      S::Float previous, added;
      S::load(out[panel * kAmxRows + i], previous);
      S::load(sums[i], added);
      S::store(previous * weights.factor + added, out[panel * kAmxRows + i]);
    }
  }
}

/// Adds the weights of a tile of queries to the attention that the block's rows have received.
template <class Tiles, class T>
[[gnu::always_inline]] inline void receive_amx_tile(Tiles& tiles, const PackedAttention<T>& packed, Index tile,
                                                    Index first, Index count, float scale, QueryLanes& lanes,
                                                    std::span<const AttentionQuery> queries) {
  using S = Simd<16>;
  alignas(64) float scores[kAttentionBlock][kAmxRows];
  score_amx_tile(tiles, packed, tile, scores);
  S::Float ignored = lanes.highest;
  scale_scores(scores, scale, first, lanes, ignored);
  for (Index j = 0; j < count; j += 16) {
    S::Float weights[16];
#pragma GCC unroll 16
    for (Index i = 0; i < 16; ++i) weight_of(scores[j + i], lanes.highest, weights[i]);
    transpose<16>(weights);
    const Index width = std::min<Index>(16, count - j);
    for (std::size_t q = 0; q < queries.size(); ++q) {
      float* const to = queries[q].received + first + j;
      S::Float received;
      load_part<16>(to, width, received);
      store_part<16>(received + weights[q] * static_cast<float>(1 / queries[q].total), width, to);
    }
  }
}

/// Copies the output rows of a tile of queries to `out` [head_dim, 16 queries] if kLoad, and back otherwise.
template <bool kLoad>
[[gnu::always_inline]] inline void move_out(std::span<AttentionQuery> queries, Index head_dim, float (*out)[kAmxRows]) {
  using S = Simd<16>;
  for (Index d = 0; d < head_dim; d += 16) {
    const Index width = std::min<Index>(16, head_dim - d);
    S::Float rows[16] = {};
    if constexpr (kLoad)
      for (std::size_t q = 0; q < queries.size(); ++q) load_part<16>(queries[q].out + d, width, rows[q]);
    else
#pragma GCC unroll 16
      for (Index i = 0; i < 16; ++i) S::load(out[d + i], rows[i]);
    transpose<16>(rows);
    if constexpr (kLoad)
#pragma GCC unroll 16
      for (Index i = 0; i < 16; ++i) S::store(rows[i], out[d + i]);
    else
      for (std::size_t q = 0; q < queries.size(); ++q) store_part<16>(rows[q], width, queries[q].out + d);
  }
}

struct AmxOut;

/// Runs queries over the rows of one KV head, as attend_blocks() does. The result of a query does not depend on the
/// other queries.
template <bool kReceived, class Tiles, class T>
[[gnu::always_inline]] inline void attend_amx_blocks(const AttentionJob<T>& job) {
  if (job.queries.empty()) return;
  const PackedAttention<T> packed(job);
  packed.pack_queries(job.queries, job.head_dim);
  const auto queries_of = [&](Index tile) {
    const auto rest = job.queries.subspan(static_cast<std::size_t>(tile * kAmxRows));
    return rest.first(std::min(rest.size(), std::size_t{kAmxRows}));
  };
  const Index channels = packed.value_panels * kAmxRows;
  auto* const out = reinterpret_cast<float(*)[kAmxRows]>(
      scratch<AmxOut, float>(static_cast<std::size_t>(packed.query_tiles * channels * kAmxRows)));
  auto* const lanes = scratch<AmxOut, QueryLanes>(static_cast<std::size_t>(packed.query_tiles));
  for (Index tile = 0; tile < packed.query_tiles; ++tile) {
    lanes[tile] = {};
    lanes[tile].load(queries_of(tile), job.last);
    if constexpr (!kReceived) move_out<true>(queries_of(tile), job.head_dim, out + tile * channels);
  }
  constexpr Index kTilesAtATime = 4;
  AmxWeights weights[std::size_t{kTilesAtATime}];
  Tiles tiles;
  const auto [begin_row, last] = seen_rows(job);
  for (Index first = begin_row; first < last; first += kAttentionBlock) {
    const Index count = std::min(kAttentionBlock, last - first);
    packed.pack_keys(job, first, count);
    if constexpr (kReceived) {
      for (Index tile = 0; tile < packed.query_tiles; ++tile)
        receive_amx_tile(tiles, packed, tile, first, count, job.scale, lanes[tile], queries_of(tile));
      continue;
    }
    packed.pack_values(job, first, count);
    // Loading a tile waits for earlier stores to the same memory, so each step is done for several tiles in a row.
    for (Index begin = 0; begin < packed.query_tiles; begin += kTilesAtATime) {
      const Index end = std::min(begin + kTilesAtATime, packed.query_tiles);
      for (Index tile = begin; tile < end; ++tile) score_amx_tile(tiles, packed, tile, weights[tile - begin].scores);
      for (Index tile = begin; tile < end; ++tile) weigh_amx_tile(weights[tile - begin], first, job.scale, lanes[tile]);
      for (Index tile = begin; tile < end; ++tile)
        add_amx_values(tiles, packed, weights[tile - begin], out + tile * channels);
    }
  }
  if constexpr (!kReceived)
    for (Index tile = 0; tile < packed.query_tiles; ++tile) {
      lanes[tile].store(queries_of(tile));
      move_out<false>(queries_of(tile), job.head_dim, out + tile * channels);
    }
}

/// An AttentionJob on AMX, or a ReceivedJob if kReceived.
template <bool kReceived, class T>
struct AmxAttentionJob {
  AttentionJob<T> job;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    attend_amx_blocks<kReceived, typename Path::Tiles>(job);
  }
};

}  // namespace kvx::inline v0::detail
