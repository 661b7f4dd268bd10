#pragma once

#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace kvx::inline v0::detail {

/// From so many rows on, bf16 weights are widened to float before they are multiplied with all rows.
inline constexpr Index kManyRows = 24;
/// Inputs of a tile's panels that are widened at a time, so that they stay in the nearest caches.
inline constexpr Index kWidened = 256;

/// Weights of a tile's panels for inputs [first, last): the panels' own, or a copy widened to float.
template <class T>
struct TileWeights {
  const T* data;
  Index panel_stride, input_stride;  // of panels and of lanes of inputs
  Index first, last;
  const BF16* fetched = nullptr;  // kFetchedLines lines to fetch meanwhile
};
inline constexpr Index kFetchedLines = 64, kLine = 64 / sizeof(BF16);

/// The sums of a tile: kRows rows, kPanels panels, registers of a panel.
template <int kLanes, int kRows, int kPanels>
using TileSums =
    typename Simd<kLanes>::Float[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{PackedMatrix::kPanel / kLanes}];

/// Adds the products of one input: of the lane of inputs that x and `from` point to, the one at `place`.
template <int kLanes, int kRows, int kPanels, int place, class T>
[[gnu::always_inline]] inline void add_product(const float* x, Index stride, const T* from, Index panel_stride,
                                               TileSums<kLanes, kRows, kPanels>& sum) {
  using S = Simd<kLanes>;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kBeside = sizeof(float) / sizeof(T);
  typename S::Float weight[std::size_t{kPanels}][std::size_t{kVectors}];
#pragma GCC unroll 16
  for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      typename S::Float loaded;
      S::template load_lanes<place>(from + p * panel_stride + v * kLanes * kBeside, loaded);
      weight[p][v] = loaded;
    }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const float own = x[r * stride + place];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][p][v] += weight[p][v] * own;
  }
}

/// kRows rows times kPanels panels, with all sums in registers. Each sum runs over the inputs in their order, in every
/// tile shape: where these do not begin at 0, it goes on from what is in y.
template <int kLanes, int kRows, int kPanels, class T, class Weight>
[[gnu::always_inline]] inline void matmul_tile(const MatmulJob<FloatRows, Weight>& job, Index row, Index panel,
                                               const TileWeights<T>& weights) {
  using S = Simd<kLanes>;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kBeside = sizeof(float) / sizeof(T);  // inputs in a lane
  const Index stride = job.x.stride, count = weights.last - weights.first, panel_stride = weights.panel_stride;
  const auto output = [&](int p, int v) { return (panel + p) * PackedMatrix::kPanel + v * kLanes; };
  TileSums<kLanes, kRows, kPanels> sum = {};
  if (weights.first > 0)
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          typename S::Float so_far;
          load_part<kLanes>(job.y + (row + r) * job.y_stride + output(p, v), job.template lanes<kLanes>(output(p, v)),
                            so_far);
          sum[r][p][v] = so_far;
        }
  const float* x = job.x.data + row * stride + weights.first;
  const T* from = weights.data;
  const auto multiply = [&](const float* end) __attribute__((always_inline)) {
    for (; x < end; x += kBeside, from += weights.input_stride) {
      if constexpr (kRows <= kFewRows) {
        const Index ahead = ahead_of(x - end + count, count, kPanels, panel_stride, sizeof(T));
#pragma GCC unroll 16
        for (int p = 0; p < kPanels; ++p) __builtin_prefetch(from + p * panel_stride + ahead);
      }
      add_product<kLanes, kRows, kPanels, 0>(x, stride, from, panel_stride, sum);
      if constexpr (kBeside == 2) add_product<kLanes, kRows, kPanels, 1>(x, stride, from, panel_stride, sum);
    }
  };
  const float* const end = x + count / kBeside * kBeside;
  if constexpr (kRows > kFewRows)
    if (weights.fetched != nullptr)
      for (Index line = 0; line < kFetchedLines; line += 8) {
#pragma GCC unroll 16
        for (Index i = 0; i < 8; ++i) __builtin_prefetch(weights.fetched + (line + i) * kLine, 0, 2);
        multiply(std::min(end, x + kWidened / 8));
      }
  multiply(end);
  if (count % kBeside != 0) add_product<kLanes, kRows, kPanels, 0>(x, stride, from, panel_stride, sum);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        if (weights.last == job.weights->in())
          job.template finish<kLanes>(row + r, output(p, v), sum[r][p][v]);
        else if (const Index lanes = job.template lanes<kLanes>(output(p, v)); lanes > 0)
          store_part<kLanes>(sum[r][p][v], lanes, job.y + (row + r) * job.y_stride + output(p, v));
      }
}

/// Inputs [first, last) of kPanels panels as floats, [last - first, kPanels, 16]; with one more where the last is odd.
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

struct WidenedPanels;

template <class Path, int kPanels, class Weight>
[[gnu::always_inline]] inline void matmul_panels(const MatmulJob<FloatRows, Weight>& job, Index panel) {
  constexpr Index kPanel = PackedMatrix::kPanel, kBeside = sizeof(float) / sizeof(Weight);
  const Index in = job.weights->in(), size = kPanel * job.weights->padded_in();
  const auto each_tile_with = [&](const auto& weights_of) __attribute__((always_inline)) {
    each_tile<Path::tile_rows>(
        job.rows, [&]<int rows>(std::integral_constant<int, rows>, Index row) __attribute__((always_inline)) {
          matmul_tile<Path::lanes, rows, kPanels>(job, row, panel, weights_of(row / Path::tile_rows));
        });
  };
  const Weight* const own = job.weights->template panel<Weight>(panel);
  if (std::is_same_v<Weight, float> || job.rows < kManyRows)
    return each_tile_with([&](Index) { return TileWeights<Weight>{own, size, kPanel * kBeside, 0, in}; });
  if constexpr (std::is_same_v<Weight, BF16>) {
    constexpr Index kFetched = kFetchedLines * kLine, kTilesAPanel = kWidened * kPanel / kFetched;
    float* const wide = scratch<WidenedPanels, float>(kPanels * kWidened * kPanel);
    for (Index first = 0; first < in; first += kWidened) {
      const Index last = std::min(in, first + kWidened);
      widen<Path::lanes, kPanels>(*job.weights, panel, first, last, wide);
      // The weights that are widened next come from memory meanwhile.
      const BF16* const next = last < in ? own + last * kPanel : own + kPanels * size;
      each_tile_with([&](Index tile) {
        const BF16* const part = next + tile / kTilesAPanel * size + tile % kTilesAPanel * kFetched;
        return TileWeights<float>{wide,  kPanel, kPanels * kPanel,
                                  first, last,   tile < kTilesAPanel * kPanels ? part : nullptr};
      });
    }
  }
}

/// Products in float of f32 and bf16 weights.
template <class Path, class Weight>
[[gnu::always_inline]] inline void multiply_panels(const MatmulJob<FloatRows, Weight>& job) {
  each_panel_tile<Path::tile_panels>(
      job.first_panel,
      job.last_panel, [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
        matmul_panels<Path, panels>(job, panel);
      });
}

}  // namespace kvx::inline v0::detail
