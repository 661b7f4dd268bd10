#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/amx_tiles.hpp>
#include <kvx/kernels/attend_job.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

namespace kvx::inline v0::detail {

/// Splits floats into two bf16 parts, x = high + low, since AMX multiplies bf16. The relative error is at most 2^-16.
/// The parts are in the upper halves of the lanes. Ties are rounded up in magnitude, which takes half as long as
/// rounding them to even.
[[gnu::always_inline]] inline void split(const Simd<16>::Float& x, Simd<16>::Bits& high, Simd<16>::Bits& low) {
  using S = Simd<16>;
  high = (reinterpret_cast<S::Bits>(x) + 0x8000u) & 0xffff0000u;
  const S::Float rest = x - reinterpret_cast<S::Float>(high);
  low = (reinterpret_cast<S::Bits>(rest) + 0x8000u) & 0xffff0000u;
}

/// Loads up to 16 elements of a row and splits them; for rows of bf16, `low` is not changed.
template <class T>
[[gnu::always_inline]] inline void load_split(const T* from, Index count, Simd<16>::Bits& high, Simd<16>::Bits& low) {
  Simd<16>::Float x;
  load_part<16>(from, count, x);
  if constexpr (std::is_same_v<T, float>)
    split(x, high, low);
  else
    high = reinterpret_cast<Simd<16>::Bits>(x);
}

/// Stores 16 pairs of bf16; each pair has one number from `even` and one from `odd`.
[[gnu::always_inline]] inline void store_pairs(const Simd<16>::Bits& even, const Simd<16>::Bits& odd, void* to) {
  const Simd<16>::Bits pairs = even >> 16 | odd;
  std::memcpy(to, &pairs, sizeof pairs);
}

/// Transposes a tile of [16, 16] pairs and writes it.
[[gnu::always_inline]] inline void store_transposed(Simd<16>::Float (&rows)[16], BF16* to) {
  transpose<16>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) std::memcpy(static_cast<void*>(to + i * kAmxInputs), &rows[i], sizeof rows[i]);
}
[[gnu::always_inline]] inline void transpose_pairs(BF16* tile) {
  Simd<16>::Float rows[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) std::memcpy(&rows[i], static_cast<const void*>(tile + i * kAmxInputs), sizeof rows[i]);
  store_transposed(rows, tile);
}

/// Writes 32 channels of a row, from `channel` on, to a row of a tile; for floats, also to a row of the tile of low
/// parts.
template <class T>
[[gnu::always_inline]] inline void pack_row(const T* row, Index channel, Index head_dim, BF16* high, BF16* low) {
  if constexpr (std::is_same_v<T, BF16>) {
    if (channel + kAmxInputs <= head_dim) {
      std::memcpy(static_cast<void*>(high), static_cast<const void*>(row + channel), kAmxInputs * sizeof(BF16));
      return;
    }
  }
  for (Index i = 0; i < kAmxInputs; i += 16) {
    Simd<16>::Bits parts[2] = {};
    load_split(row + channel + i, std::clamp<Index>(head_dim - channel - i, 0, 16), parts[0], parts[1]);
    for (int part = 0; part < (std::is_same_v<T, float> ? 2 : 1); ++part) {
      const auto half = __builtin_convertvector(parts[part] >> 16, Simd<16>::Half);
      std::memcpy(static_cast<void*>((part == 0 ? high : low) + i), &half, sizeof half);
    }
  }
}

/// Queries and a block of rows of T as tiles of bf16: high parts and, for floats, low parts. After the last channel,
/// value and query, tiles are padded with zeros; after the last key, with copies of it, which no query sees.
template <class T>
struct PackedAttention {
  static constexpr Index kParts = std::is_same_v<T, float> ? 2 : 1, kPanels = kAttentionBlock / kAmxRows,
                         kHalves = kAttentionBlock / kAmxInputs;

  explicit PackedAttention(const AttentionJob<T>& job)
      : chunks((job.head_dim + kAmxInputs - 1) / kAmxInputs),
        value_panels((job.head_dim + kAmxRows - 1) / kAmxRows),
        query_tiles((static_cast<Index>(job.queries.size()) + kAmxRows - 1) / kAmxRows) {
    const Index key_tiles = kParts * kPanels * chunks, value_tiles = kParts * value_panels * kHalves;
    const auto elements = static_cast<std::size_t>((key_tiles + value_tiles + 2 * query_tiles * chunks) * kAmxTile);
    keys_ = scratch<PackedAttention, BF16>(elements);
    values_ = keys_ + key_tiles * kAmxTile;
    queries_ = values_ + value_tiles * kAmxTile;
  }

  /// Left factors [16 keys, 32 channels].
  BF16* key_tile(Index part, Index panel, Index chunk) const {
    return keys_ + ((part * kPanels + panel) * chunks + chunk) * kAmxTile;
  }
  /// Left factors [16 channels, 32 rows].
  BF16* value_tile(Index part, Index panel, Index half) const {
    return values_ + ((part * value_panels + panel) * kHalves + half) * kAmxTile;
  }
  /// Right factors [32 channels, 16 queries].
  BF16* query_tile(Index part, Index tile, Index chunk) const {
    return queries_ + ((tile * 2 + part) * chunks + chunk) * kAmxTile;
  }

  [[gnu::always_inline]] void pack_queries(std::span<const AttentionQuery> all, Index head_dim) const {
    for (Index tile = 0; tile < query_tiles; ++tile)
      for (Index chunk = 0; chunk < chunks; ++chunk) {
        BF16 *const high = query_tile(0, tile, chunk), *const low = query_tile(1, tile, chunk);
        std::fill_n(high, kAmxTile, BF16(0));
        std::fill_n(low, kAmxTile, BF16(0));
        const auto rows = all.subspan(static_cast<std::size_t>(tile * kAmxRows));
        for (Index r = 0; r < std::min(kAmxRows, static_cast<Index>(rows.size())); ++r)
          pack_row(rows[static_cast<std::size_t>(r)].query, chunk * kAmxInputs, head_dim, high + r * kAmxInputs,
                   low + r * kAmxInputs);
        transpose_pairs(high);
        transpose_pairs(low);
      }
  }

  [[gnu::always_inline]] void pack_keys(const AttentionJob<T>& job, Index first, Index count) const {
    for (Index row = 0; row < kAttentionBlock; ++row)
      for (Index chunk = 0; chunk < chunks; ++chunk) {
        const Index panel = row / kAmxRows, offset = row % kAmxRows * kAmxInputs, channel = chunk * kAmxInputs;
        BF16 *const high = key_tile(0, panel, chunk) + offset, *const low = key_tile(kParts - 1, panel, chunk) + offset;
        pack_row(job.keys + (first + std::min(row, count - 1)) * job.stride, channel, job.head_dim, high, low);
      }
  }

  [[gnu::always_inline]] void pack_values(const AttentionJob<T>& job, Index first, Index count) const {
    for (Index panel = 0; panel < value_panels; ++panel)
      for (Index half = 0; half < kHalves; ++half) {
        const Index channel = panel * kAmxRows, width = std::min(kAmxRows, job.head_dim - channel);
        Simd<16>::Float pairs[std::size_t{kParts}][16];
#pragma GCC unroll 16
        for (Index i = 0; i < 16; ++i) {
          Simd<16>::Bits high[2] = {}, low[2] = {};
#pragma GCC unroll 2
          for (Index odd = 0; odd < 2; ++odd)
            if (const Index row = half * kAmxInputs + 2 * i + odd; row < count)
              load_split(job.values + (first + row) * job.stride + channel, width, high[odd], low[odd]);
          store_pairs(high[0], high[1], &pairs[0][i]);
          if constexpr (kParts == 2) store_pairs(low[0], low[1], &pairs[1][i]);
        }
        for (Index part = 0; part < kParts; ++part) store_transposed(pairs[part], value_tile(part, panel, half));
      }
  }

  Index chunks, value_panels, query_tiles;

 private:
  BF16 *keys_, *values_, *queries_;
};

}  // namespace kvx::inline v0::detail
