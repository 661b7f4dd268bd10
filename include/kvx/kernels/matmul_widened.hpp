#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/matmul_tile.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace kvx::inline v0::detail {

/// For at least this many rows, bf16 weights are widened to float once, and then multiplied with all rows.
inline constexpr Index kManyRows = 24;
/// Inputs of a tile's panels that are widened at a time; few enough to stay in the first-level cache.
inline constexpr Index kWidened = 256;
/// A multiple of the rows of a tile on every path.
inline constexpr Index kWideRows = 12;

/// Rows in the tiles of a path: [rows / Path::wide_rows, in, Path::wide_rows]. The last tile is padded with zeros.
struct FloatTiles {
  float* data;
  Index in;
  /// `row` is a multiple of kWideRows.
  FloatTiles rows_from(Index row) const { return {data + row * in, in}; }
};

/// Writes rows [first, last) of x [rows, in] in tiles. `first` is a multiple of kWideRows.
struct TileJob {
  const float* x;
  Index stride, first, last;
  FloatTiles tiles;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    constexpr Index kRows = Path::wide_rows;
    for (Index row = first; row < last; row += kRows) {
      const Index rows = std::min(kRows, last - row);
      float* to = tiles.data + row * tiles.in;
      for (Index k = 0; k < tiles.in; ++k, to += kRows) {
        for (Index r = 0; r < rows; ++r) to[r] = x[(row + r) * stride + k];
        for (Index r = rows; r < kRows; ++r) to[r] = 0;
      }
    }
  }
};

/// Widens inputs [first, last) of kPanels panels to floats, [last - first, kPanels, 16]. If the number of inputs is
/// odd, one more is written.
template <int kLanes, int kPanels>
[[gnu::always_inline]] inline void widen(const PackedMatrix& weights, Index panel, Index first, Index last, float* to) {
  using S = Simd<kLanes>;
  constexpr Index kPanel = PackedMatrix::kPanel;
  for (Index k = first; k < last; k += 2, to += 2 * kPanels * kPanel)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      const BF16* const from = weights.panel<BF16>(panel + p) + k * kPanel;
#pragma GCC unroll 16
      for (Index lane = 0; lane < kPanel; lane += kLanes) {
        typename S::Float even, odd;
        S::template load_lanes<0>(from + 2 * lane, even);
        S::template load_lanes<1>(from + 2 * lane, odd);
        S::store(even, to + p * kPanel + lane);
        S::store(odd, to + (kPanels + p) * kPanel + lane);
      }
    }
}

/// Inputs [first, last) of kPanels panels, widened.
struct WidenedPanels {
  const float* data;
  Index first, last;
  const BF16* fetched;  // kFetchedLines cache lines to prefetch during the multiplication, or nullptr
};
inline constexpr Index kFetchedLines = 64, kLine = 64 / sizeof(BF16);

/// Sets all sums to zero. If sums can also be read from y, GCC compiles `= {}` to a slow instruction on memory.
template <int kLanes, int kRows, int kPanels>
[[gnu::always_inline]] inline void clear(TileSums<kLanes, kRows, kPanels>& sum) {
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < PackedMatrix::kPanel / kLanes; ++v) sum[r][p][v] = typename Simd<kLanes>::Float{};
}

/// Adds the products of a part of the inputs to y, for kRows rows times kPanels panels, with all sums in registers.
/// Each sum continues from the value in y and adds the inputs in ascending order.
template <int kLanes, int kTileRows, int kRows, int kPanels>
[[gnu::always_inline]] inline void widened_tile(const MatmulJob<FloatTiles, BF16>& job, Index row, Index panel,
                                                const WidenedPanels& weights) {
  using S = Simd<kLanes>;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  const Index rows = std::min<Index>(kRows, job.rows - row);
  const auto each_sum = [&](const auto& body) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      if (r < rows)
#pragma GCC unroll 16
        for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) body(r, p, v, (panel + p) * PackedMatrix::kPanel + v * kLanes);
  };
  TileSums<kLanes, kRows, kPanels> sum;
  if (weights.first == 0)
    clear<kLanes, kRows, kPanels>(sum);
  else
    each_sum([&](int r, int p, int v, Index output) __attribute__((always_inline)) {
      typename S::Float partial;
      load_part<kLanes>(job.y + (row + r) * job.y_stride + output, job.template lanes<kLanes>(output), partial);
      sum[r][p][v] = partial;
    });
  // Rows of y are pages apart, so those of the next tile are fetched while this one is computed.
  if (const Index next = row + kRows; next < job.rows)
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
      __builtin_prefetch(job.y + std::min(next + r, job.rows - 1) * job.y_stride + panel * PackedMatrix::kPanel, 1);
  const float *x = job.x.data + row * job.x.in + weights.first * kTileRows, *from = weights.data;
  const float* const end = x + (weights.last - weights.first) * kTileRows;
  const auto multiply = [&](const float* until) __attribute__((always_inline)) {
    for (; x < until; x += kTileRows, from += kPanels * PackedMatrix::kPanel)
      add_product<kLanes, kRows, kPanels, 0>(x, 1, from, PackedMatrix::kPanel, sum);
  };
  if (weights.fetched != nullptr)
    for (Index line = 0; line < kFetchedLines; line += 8) {
#pragma GCC unroll 16
      for (Index i = 0; i < 8; ++i) __builtin_prefetch(weights.fetched + (line + i) * kLine, 0, 2);
      multiply(std::min(end, x + kWidened / 8 * kTileRows));
    }
  multiply(end);
  if (weights.last == job.weights->in())
    each_sum([&](int r, int p, int v, Index output)
                 __attribute__((always_inline)) { job.template finish<kLanes>(row + r, output, sum[r][p][v]); });
  else
    each_sum([&](int r, int p, int v, Index output) __attribute__((always_inline)) {
      if (const Index lanes = job.template lanes<kLanes>(output); lanes > 0)
        store_part<kLanes>(sum[r][p][v], lanes, job.y + (row + r) * job.y_stride + output);
    });
}

/// Multiplies bf16 weights with many rows in float. It handles a part of the inputs at a time, so that this part of the
/// rows stays in the second-level cache for all panels.
template <class Path>
[[gnu::always_inline]] inline void multiply_panels(const MatmulJob<FloatTiles, BF16>& job) {
  constexpr int kRows = Path::wide_rows, kHalf = (kRows + 1) / 2;
  constexpr Index kPanel = PackedMatrix::kPanel, kFetched = kFetchedLines * kLine,
                  kFetches = kWidened * kPanel / kFetched;  // prefetches per panel's part
  const Index in = job.weights->in(), size = kPanel * job.weights->padded_in();
  float* const wide = scratch<WidenedPanels, float>(Path::wide_panels * kWidened * kPanel);
  Index first = 0, last;
  do {
    last = std::min(in, first + kWidened);
    each_panel_tile<Path::wide_panels>(
        job.first_panel, job.last_panel,
        [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
          widen<Path::lanes, panels>(*job.weights, panel, first, last, wide);
          // While these weights are multiplied, the ones to widen next are prefetched.
          const bool has_next = panel + panels < job.last_panel;
          const BF16* const next = job.weights->template panel<BF16>(has_next ? panel + panels : job.first_panel) +
                                   (has_next ? first : last) * kPanel;
          Index fetches = 0;
          const auto fetched = [&]() -> const BF16* {
            if (fetches == panels * kFetches) return nullptr;
            const Index fetch = fetches++;
            return next + fetch / kFetches * size + fetch % kFetches * kFetched;
          };
          Index row = 0;
          for (; job.rows - row > kHalf; row += kRows)
            widened_tile<Path::lanes, kRows, kRows, panels>(job, row, panel, {wide, first, last, fetched()});
          if (row < job.rows)
            widened_tile<Path::lanes, kRows, kHalf, panels>(job, row, panel, {wide, first, last, fetched()});
        });
    first = last;
  } while (last < in);
}

}  // namespace kvx::inline v0::detail
