#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>

namespace kvx::inline v0::detail {

/// y = x W^T + bias for panels [first_panel, last_panel) of W.
struct MatmulJob {
  const PackedMatrix* weights;
  const float* bias;  // [out], or nullptr
  const float* x;     // [rows, in]
  Index rows, x_stride;
  float* y;  // [rows, out]
  Index y_stride;
  Index first_panel, last_panel;
};

/// kRows rows times kPanels panels, with all sums in registers. Each sum runs over `in` from 0, in every tile shape.
template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_tile(const MatmulJob& job, Index row, Index panel) {
  using Float = typename Simd<kLanes>::Float;
  constexpr int kVectors = PackedMatrix::kPanel / kLanes;
  constexpr Index kBeside = PackedMatrix::kBeside<T>;
  const Index in = job.weights->in(), size = job.weights->panel_size();
  const T* w = job.weights->panel<T>(panel);
  const float* x = job.x + row * job.x_stride;
  Float sum[std::size_t{kRows}][std::size_t{kPanels}][std::size_t{kVectors}] = {};
  const auto step = [&](Index k, Index count) __attribute__((always_inline)) {
    for (int p = 0; p < kPanels; ++p)
      for (int v = 0; v < kVectors; ++v) {
        Float weight[std::size_t{kBeside}];
        Simd<kLanes>::load_lanes(w + p * size + k * PackedMatrix::kPanel + v * kLanes * kBeside, weight);
        for (Index i = 0; i < count; ++i)
          for (int r = 0; r < kRows; ++r) sum[r][p][v] += weight[i] * x[r * job.x_stride + k + i];
      }
  };
  const Index whole = in / kBeside * kBeside;
  for (Index k = 0; k < whole; k += kBeside) step(k, kBeside);
  if (whole < in) step(whole, 1);
  for (int r = 0; r < kRows; ++r)
    for (int p = 0; p < kPanels; ++p)
      for (int v = 0; v < kVectors; ++v) {
        const Index output = (panel + p) * PackedMatrix::kPanel + v * kLanes;
        const Index count = std::min<Index>(kLanes, job.weights->out() - output);
        if (count <= 0) continue;
        Float bias = {};
        if (job.bias != nullptr) load_part<kLanes>(job.bias + output, count, bias);
        store_part<kLanes>(sum[r][p][v] + bias, count, job.y + (row + r) * job.y_stride + output);
      }
}

/// The last rows of a batch, fewer than a whole tile.
template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_rest(const MatmulJob& job, Index row, Index panel) {
  if constexpr (kRows > 0) {
    if (job.rows - row == kRows)
      matmul_tile<kLanes, kRows, kPanels, T>(job, row, panel);
    else
      matmul_rest<kLanes, kRows - 1, kPanels, T>(job, row, panel);
  }
}

template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_panels(const MatmulJob& job, Index panel) {
  Index row = 0;
  for (; row + kRows <= job.rows; row += kRows) matmul_tile<kLanes, kRows, kPanels, T>(job, row, panel);
  matmul_rest<kLanes, kRows - 1, kPanels, T>(job, row, panel);
}

template <int kLanes, int kRows, int kPanels, class T>
[[gnu::always_inline]] inline void matmul_job(const MatmulJob& job) {
  Index panel = job.first_panel;
  for (; panel + kPanels <= job.last_panel; panel += kPanels) matmul_panels<kLanes, kRows, kPanels, T>(job, panel);
  for (; panel < job.last_panel; ++panel) matmul_panels<kLanes, kRows, 1, T>(job, panel);
}

}  // namespace kvx::inline v0::detail
