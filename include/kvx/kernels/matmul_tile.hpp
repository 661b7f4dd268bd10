#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <cstddef>
#include <type_traits>

namespace kvx::inline v0::detail {

/// The sums of a tile: kRows rows, kPanels panels, registers of a panel.
template <int kLanes, int kRows, int kPanels>
using TileSums =
    typename Simd<kLanes>::Float[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{PackedMatrix::kPanel / kLanes}];

/// Adds the products of one input to `sum`. A lane of weights holds one f32 input or two bf16 ones. x and `from` point
/// to the first input of a lane; `place` is the index of the input in it. `stride` is the distance between rows of x.
template <int kLanes, int kRows, int kPanels, int place, class T>
[[gnu::always_inline]] inline void add_product(const float* x, Index stride, const T* from, Index panel_stride,
                                               TileSums<kLanes, kRows, kPanels>& sum) {
  using S = Simd<kLanes>;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kInputsPerLane = sizeof(float) / sizeof(T);
  typename S::Float weight[std::size_t{kPanels}][std::size_t{kVectors}];
#pragma GCC unroll 16
  for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      typename S::Float loaded;
      S::template load_lanes<place>(from + p * panel_stride + v * kLanes * kInputsPerLane, loaded);
      weight[p][v] = loaded;
    }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    const float x_value = x[r * stride + place];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][p][v] += weight[p][v] * x_value;
  }
}

/// Multiplies kRows rows with kPanels panels, with all sums in registers. Each sum adds the inputs in ascending order,
/// for every shape of the tile.
template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_tile(const MatmulJob<StridedFloatRows, T>& job, Index row, Index panel) {
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kInputsPerLane = sizeof(float) / sizeof(T);
  const Index in = job.weights->in(), panel_stride = PackedMatrix::kPanel * job.weights->padded_in(),
              stride = job.x.stride;
  TileSums<kLanes, kRows, kPanels> sum = {};
  const float* const x = job.x.data + row * stride;
  const T* from = job.weights->template panel<T>(panel);
  const Index whole = in / kInputsPerLane * kInputsPerLane;
  for (Index k = 0; k < whole; k += kInputsPerLane, from += PackedMatrix::kPanel * kInputsPerLane) {
    if constexpr (kRows <= kFewRows) {
      const Index ahead = prefetch_distance(k, in, kPanels, panel_stride, sizeof(T));
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p) __builtin_prefetch(from + p * panel_stride + ahead);
    }
    add_product<kLanes, kRows, kPanels, 0>(x + k, stride, from, panel_stride, sum);
    if constexpr (kInputsPerLane == 2) add_product<kLanes, kRows, kPanels, 1>(x + k, stride, from, panel_stride, sum);
  }
  if (whole < in) add_product<kLanes, kRows, kPanels, 0>(x + whole, stride, from, panel_stride, sum);
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v)
        job.template finish<kLanes>(row + r, (panel + p) * PackedMatrix::kPanel + v * kLanes, sum[r][p][v]);
}

/// Multiplies f32 weights, or bf16 weights with few rows, in float.
template <class Path, class Weight>
[[gnu::always_inline]] inline void multiply_panels(const MatmulJob<StridedFloatRows, Weight>& job) {
  each_panel_tile<Path::tile_panels>(
      job.first_panel,
      job.last_panel, [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
        each_tile<Path::tile_rows>(
            job.rows, [&]<int rows>(std::integral_constant<int, rows>, Index row)
                          __attribute__((always_inline)) { matmul_tile<Path::lanes, rows, panels>(job, row, panel); });
      });
}

}  // namespace kvx::inline v0::detail
