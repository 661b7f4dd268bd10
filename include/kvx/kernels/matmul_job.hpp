#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>

namespace kvx::inline v0::detail {

/// y = x W^T + bias for panels [first_panel, last_panel) of W. `Rows` is the form of x that a kernel needs, and
/// `Weight` is the type that W is stored in. multiply_panels<Path>(job) computes it.
template <class Rows, class Weight>
struct MatmulJob {
  const PackedMatrix* weights;
  const float* bias;  // [out], or nullptr
  Rows x;
  Index rows;
  float* y;  // [rows, out]
  Index y_stride;
  Index first_panel, last_panel;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    multiply_panels<Path>(*this);
  }

  /// The number of outputs among the kLanes ones from `output` on; fewer than kLanes at the end of W.
  template <int kLanes>
  [[gnu::always_inline]] Index lanes(Index output) const {
    return std::clamp<Index>(weights->out() - output, 0, kLanes);
  }
  /// Adds the bias to complete sums, and writes them to y.
  template <int kLanes>
  [[gnu::always_inline]] void finish(Index row, Index output, const typename Simd<kLanes>::Float& sum) const {
    const Index count = lanes<kLanes>(output);
    if (count == 0) return;
    typename Simd<kLanes>::Float added = {};
    if (bias != nullptr) load_part<kLanes>(bias + output, count, added);
    store_part<kLanes>(sum + added, count, y + row * y_stride + output);
  }
};

/// Rows of floats that are `stride` elements apart.
struct StridedFloatRows {
  const float* data;
  Index stride;
  StridedFloatRows rows_from(Index row) const { return {data + row * stride, stride}; }
};

/// Up to this number of rows, weights are prefetched: so few rows are multiplied faster than memory is read, and the
/// CPU's own prefetch stops at the end of each page.
inline constexpr int kFewRows = 4;
/// How many elements ahead of input `k` to prefetch. At the end of a panel, this skips the tile's other panels.
[[gnu::always_inline]] inline Index prefetch_distance(Index k, Index in, int panels, Index panel_size,
                                                      std::size_t element) {
  constexpr Index kBytes = 1024;
  const Index inputs = kBytes / (PackedMatrix::kPanel * static_cast<Index>(element));
  return inputs * PackedMatrix::kPanel + (k + inputs >= in ? (panels - 1) * panel_size : 0);
}

}  // namespace kvx::inline v0::detail
