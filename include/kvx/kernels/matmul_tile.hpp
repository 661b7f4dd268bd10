#pragma once

#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace kvx::inline v0::detail {

/// y = x W^T + bias for panels [first_panel, last_panel) of W. `Rows` is x in the form that a kernel works on.
template <class Rows>
struct MatmulJob {
  const PackedMatrix* weights;
  const float* bias;  // [out], or nullptr
  Rows x;
  Index rows;
  float* y;  // [rows, out]
  Index y_stride;
  Index first_panel, last_panel;

  /// A register's worth of outputs from `output` on, or what there is of it.
  template <int kLanes>
  [[gnu::always_inline]] Index lanes(Index output) const {
    return std::clamp<Index>(weights->out() - output, 0, kLanes);
  }
  template <int kLanes>
  [[gnu::always_inline]] void finish(Index row, Index output, const typename Simd<kLanes>::Float& sum) const {
    const Index count = lanes<kLanes>(output);
    if (count == 0) return;
    typename Simd<kLanes>::Float added = {};
    if (bias != nullptr) load_part<kLanes>(bias + output, count, added);
    store_part<kLanes>(sum + added, count, y + row * y_stride + output);
  }
};

/// Rows of floats.
struct FloatRows {
  const float* data;
  Index stride;
  [[gnu::always_inline]] const float* row(Index r) const { return data + r * stride; }
};

/// Weights of neighbouring panels for inputs [first, last): the panels' own, or a copy widened to float.
template <class T>
struct PanelBlock {
  const T* data;
  Index panel_size, first, last;
  const BF16* fetched = nullptr;  // weights to fetch meanwhile: a cache line for every kFetchEvery inputs
};
inline constexpr Index kFetchEvery = 4, kLine = 64 / sizeof(BF16);

inline constexpr int kFewRows = 4;
/// How far ahead of input `k` to fetch, in elements: a little, which at a panel's end is in the tile's next panels.
[[gnu::always_inline]] inline Index ahead_of(Index k, Index in, int panels, Index panel_size, std::size_t element) {
  constexpr Index kBytes = 1024;
  const Index inputs = kBytes / (PackedMatrix::kPanel * static_cast<Index>(element));
  return inputs * PackedMatrix::kPanel + (k + inputs >= in ? (panels - 1) * panel_size : 0);
}

/// kRows rows times kPanels panels, with all sums in registers. Each sum runs over `in` from 0, in every tile shape:
/// a block that does not begin there goes on from what is in y.
template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_tile(const MatmulJob<FloatRows>& job, Index row, Index panel,
                                               const PanelBlock<T>& block) {
  using Float = typename Simd<kLanes>::Float;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kBeside = sizeof(float) / sizeof(T);
  const float* const x = job.x.row(row);
  const Index stride = job.x.stride, in = job.weights->in();
  const auto output = [&](int p, int v) { return (panel + p) * PackedMatrix::kPanel + v * kLanes; };
  Float sum[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{kVectors}] = {};
  if (block.first > 0)
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          Float so_far;
          load_part<kLanes>(job.y + (row + r) * job.y_stride + output(p, v), job.lanes<kLanes>(output(p, v)), so_far);
          sum[r][p][v] = so_far;
        }
  const auto step = [&](Index k, Index count) __attribute__((always_inline)) {
    const Index ahead = ahead_of(k, in, kPanels, block.panel_size, sizeof(T));
    if (kBeside == 1 && block.fetched != nullptr && (k - block.first) % kFetchEvery == 0)
      __builtin_prefetch(block.fetched + (k - block.first) / kFetchEvery * kLine, 0, 2);
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        Float weight[std::size_t{kBeside}];
        const T* const from =
            block.data + p * block.panel_size + (k - block.first) * PackedMatrix::kPanel + v * kLanes * kBeside;
        // Few rows wait for memory, and the CPU's own prefetch stops at each page's end.
        if (kRows <= kFewRows && v * kLanes * 4 % 64 == 0) __builtin_prefetch(from + ahead);
        Simd<kLanes>::load_lanes(from, weight);
#pragma GCC unroll 16
        for (Index i = 0; i < count; ++i)
#pragma GCC unroll 16
          for (int r = 0; r < kRows; ++r) sum[r][p][v] += weight[i] * x[r * stride + k + i];
      }
  };
  const Index whole = block.first + (block.last - block.first) / kBeside * kBeside;
  for (Index k = block.first; k < whole; k += kBeside) step(k, kBeside);
  if (whole < block.last) step(whole, 1);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        if (block.last == in)
          job.finish<kLanes>(row + r, output(p, v), sum[r][p][v]);
        else if (const Index count = job.lanes<kLanes>(output(p, v)); count > 0)
          store_part<kLanes>(sum[r][p][v], count, job.y + (row + r) * job.y_stride + output(p, v));
      }
}

/// Inputs [first, last) of kPanels panels as floats, [kPanels, last - first, 16].
template <int kLanes, int kPanels>
[[gnu::always_inline]] inline void widen(const PackedMatrix& weights, Index panel, Index first, Index last, float* to) {
  using S = Simd<kLanes>;
  constexpr Index kPanel = PackedMatrix::kPanel;
#pragma GCC unroll 16
  for (int p = 0; p < kPanels; ++p) {
    const BF16* const from = weights.panel<BF16>(panel + p);
    for (Index k = first; k < last; k += 2, to += 2 * kPanel)
      for (Index lane = 0; lane < kPanel; lane += kLanes) {
        typename S::Float pair[2];
        S::load_lanes(from + k * kPanel + 2 * lane, pair);
        S::store(pair[0], to + lane);
        S::store(pair[1], to + kPanel + lane);
      }
  }
}

struct WidenedPanels;

template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_panels(const MatmulJob<FloatRows>& job, Index panel) {
  constexpr Index kPanel = PackedMatrix::kPanel;
  const Index in = job.weights->in(), size = kPanel * job.weights->padded_in();
  const auto each_tile_with = [&](const auto& block_of) __attribute__((always_inline)) {
    each_tile<kRows>(
        job.rows, [&]<int rows>(std::integral_constant<int, rows>, Index row) __attribute__((always_inline)) {
          matmul_tile<kLanes, rows, kPanels>(job, row, panel, block_of(row / kRows));
        });
  };
  constexpr Index kBlock = 512;          // inputs whose widened panels stay in the second cache
  constexpr Index kWorthIt = 4 * kRows;  // rows
  if (std::is_same_v<T, float> || job.rows < kWorthIt)
    return each_tile_with([&](Index) { return PanelBlock<T>{job.weights->panel<T>(panel), size, 0, in}; });
  constexpr Index kFetched = kBlock / kFetchEvery * kLine, kTilesAPanel = kBlock * kPanel / kFetched;
  float* const wide = scratch<WidenedPanels, float>(kPanels * kBlock * kPanel);
  for (Index first = 0; first < in; first += kBlock) {
    const Index last = std::min(in, first + kBlock), even = (last - first + 1) / 2 * 2;
    widen<kLanes, kPanels>(*job.weights, panel, first, last, wide);
    // What is widened next comes from memory meanwhile.
    const BF16* const next =
        last < in ? job.weights->panel<BF16>(panel) + last * kPanel : job.weights->panel<BF16>(panel + kPanels);
    each_tile_with([&](Index tile) {
      const bool some = tile < kTilesAPanel * kPanels;
      const BF16* const part = next + tile / kTilesAPanel * size + tile % kTilesAPanel * kFetched;
      return PanelBlock<float>{wide, even * kPanel, first, last, some ? part : nullptr};
    });
  }
}

/// Products in float of f32 and bf16 weights.
template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_job(const MatmulJob<FloatRows>& job) {
  each_panel_tile<kPanels>(
      job.first_panel,
      job.last_panel, [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
        matmul_panels<kLanes, kRows, panels, T>(job, panel);
      });
}

}  // namespace kvx::inline v0::detail
