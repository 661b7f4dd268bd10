#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/paths.hpp>
#include <kvx/kernels/simd.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kvx::inline v0::detail {

/// Rows rounded to int8, with a scale for each group of PackedMatrix::kGroup inputs.
struct Int8Rows {
  const std::int8_t* data;      // [rows, padded_in]
  const float* scales;          // [rows, groups]
  const std::int32_t* offsets;  // [rows, groups]: cancel what the kZero in the weights adds to a group's sum
  Index groups;

  Int8Rows rows_from(Index row) const {
    return {data + row * groups * PackedMatrix::kGroup, scales + row * groups, offsets + row * groups, groups};
  }
};

/// Adds, in each lane, the products of the lane's four bytes of weights (unsigned) with four bytes of a row (signed).
/// The sum of a group is exact here and in the two structs below.
template <int kLanes>
struct PlainDot {
  using S = Simd<kLanes>;
  static constexpr int lanes = kLanes;
  [[gnu::always_inline]] static void add(const typename S::Bits& weights, std::int32_t row, typename S::Int& sum) {
    for (int i = 0; i < 4; ++i)
      sum += reinterpret_cast<typename S::Int>((weights >> (8 * i)) & 255u) *
             std::int32_t{static_cast<std::int8_t>(row >> (8 * i))};
  }
};
#if defined(__x86_64__) && !defined(__clang__)
/// The same with 16-bit products, for AVX2 and for AVX-512 without VNNI.
template <int kLanes>
struct WordDot {
  using S = Simd<kLanes>;
  static constexpr int lanes = kLanes;
  using Words = typename S::Words;
  [[gnu::always_inline]] static void add(const typename S::Bits& weights, std::int32_t row, typename S::Int& sum) {
    const Words bytes = reinterpret_cast<Words>(typename S::Int{} + row);
    madd(reinterpret_cast<Words>(weights & 0x00ff00ffu), (bytes << 8) >> 8, sum);
    madd(reinterpret_cast<Words>((weights >> 8) & 0x00ff00ffu), bytes >> 8, sum);
  }

 private:
  [[gnu::always_inline]] static void madd(const Words& a, const Words& b, typename S::Int& sum) {
    typename S::Int products;
    asm("vpmaddwd %2, %1, %0" : "=v"(products) : "v"(a), "v"(b));
    sum += products;
  }
};
/// The same with an instruction of AVX-512 VNNI.
struct VnniDot {
  using S = Simd<16>;
  static constexpr int lanes = 16;
  [[gnu::always_inline]] static void add(const S::Bits& weights, std::int32_t row, S::Int& sum) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(S::Int{} + row));
  }
};
#else
// Clang accepts these registers only in functions with the target attribute. It compiles PlainDot to good code.
template <int kLanes>
using WordDot = PlainDot<kLanes>;
using VnniDot = PlainDot<16>;
#endif

/// Multiplies kRows rows with kPanels panels.
template <class Dot, int kRows, int kPanels>
[[gnu::always_inline]] inline void int8_tile(const MatmulJob<Int8Rows, std::uint8_t>& job, Index row, Index panel) {
  constexpr int kLanes = Dot::lanes;
  using S = Simd<kLanes>;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kPanel = PackedMatrix::kPanel, kGroup = PackedMatrix::kGroup;
  const Index padded = job.weights->padded_in(), groups = job.weights->groups();
  const std::uint8_t* const weights = job.weights->panel<std::uint8_t>(panel);
  typename S::Float total[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{kVectors}] = {};
  for (Index g = 0; g < groups; ++g) {
    typename S::Int sum[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{kVectors}] = {};
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) sum[r][p][v] += job.x.offsets[(row + r) * groups + g];
    const Index ahead = prefetch_distance((g + 1) * kGroup - 1, padded, kPanels, kPanel * padded, 1);
    for (Index k = g * kGroup; k < (g + 1) * kGroup; k += 4)
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          const std::uint8_t* const from = weights + p * kPanel * padded + k * kPanel + v * kLanes * 4;
          if (kRows <= kFewRows && v == 0) __builtin_prefetch(from + ahead);
          typename S::Bits weight_bytes;
          std::memcpy(&weight_bytes, from, sizeof weight_bytes);
#pragma GCC unroll 16
          for (int r = 0; r < kRows; ++r) {
            std::int32_t row_bytes;
            std::memcpy(&row_bytes, job.x.data + (row + r) * padded + k, sizeof row_bytes);
            Dot::add(weight_bytes, row_bytes, sum[r][p][v]);
          }
        }
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        typename S::Float scale;
        S::load(job.weights->scales(panel + p) + g * kPanel + v * kLanes, scale);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r)
          total[r][p][v] +=
              __builtin_convertvector(sum[r][p][v], typename S::Float) * (scale * job.x.scales[(row + r) * groups + g]);
      }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) job.finish<kLanes>(row + r, (panel + p) * kPanel + v * kLanes, total[r][p][v]);
}

/// The dot product and the size of a tile on a path, for int8 weights.
template <class Path>
struct Int8Tile {
  using Dot = PlainDot<Path::lanes>;
  static constexpr int rows = 2, panels = 1;
};
#if defined(__x86_64__)
template <>
struct Int8Tile<Avx2Path> {
  using Dot = WordDot<8>;
  static constexpr int rows = 2, panels = 1;
};
template <>
struct Int8Tile<Avx512Path> {
  using Dot = WordDot<16>;
  static constexpr int rows = 4, panels = 2;
};
template <>
struct Int8Tile<Avx512VnniPath> {
  using Dot = VnniDot;
  static constexpr int rows = 4, panels = 3;
};
#endif

template <class Path>
[[gnu::always_inline]] inline void multiply_panels(const MatmulJob<Int8Rows, std::uint8_t>& job) {
  using Tile = Int8Tile<Path>;
  each_panel_tile<Tile::panels>(
      job.first_panel,
      job.last_panel, [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
        each_tile<Tile::rows>(
            job.rows, [&]<int rows>(std::integral_constant<int, rows>, Index row) __attribute__((always_inline)) {
              int8_tile<typename Tile::Dot, rows, panels>(job, row, panel);
            });
      });
}

}  // namespace kvx::inline v0::detail
