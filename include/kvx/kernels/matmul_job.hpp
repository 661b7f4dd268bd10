#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>

namespace kvx::inline v0::detail {

/// y = x W^T + bias for panels [first_panel, last_panel) of W. `Rows` is x in the form that a kernel works on, `Weight`
/// the type that W is stored in. A path's multiply_panels<Path>(job) does it.
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

  /// How many of kLanes outputs from `output` on there are.
  template <int kLanes>
  [[gnu::always_inline]] Index lanes(Index output) const {
    return std::clamp<Index>(weights->out() - output, 0, kLanes);
  }
  /// Writes complete sums, with the bias.
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
  FloatRows from(Index row) const { return {data + row * stride, stride}; }
};

/// Few rows wait for memory, and the CPU's own prefetch stops at the end of each page.
inline constexpr int kFewRows = 4;
/// How far ahead of input `k` to fetch, in elements: a little, which at a panel's end is in the tile's next panels.
[[gnu::always_inline]] inline Index ahead_of(Index k, Index in, int panels, Index panel_size, std::size_t element) {
  constexpr Index kBytes = 1024;
  const Index inputs = kBytes / (PackedMatrix::kPanel * static_cast<Index>(element));
  return inputs * PackedMatrix::kPanel + (k + inputs >= in ? (panels - 1) * panel_size : 0);
}

}  // namespace kvx::inline v0::detail
