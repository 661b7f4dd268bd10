#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cmath>

namespace kvx::inline v0::detail {

/// to[i] = from[i] / rms(from) * weight[i], rms(x) = sqrt(mean(x^2) + eps), the squares summed in double. Zhang and
/// Sennrich, arXiv:1910.07467.
template <int kLanes>
[[gnu::always_inline]] inline void rms_norm(const float* from, const float* weight, Index count, double eps,
                                            float* to) {
  using S = Simd<kLanes>;
  typename S::Double squares = {};
  typename S::Float x, w;
  for (Index i = 0; i < count; i += kLanes) {
    load_part<kLanes>(from + i, std::min<Index>(kLanes, count - i), x);
    const auto wide = __builtin_convertvector(x, typename S::Double);
    squares += wide * wide;
  }
  double sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += squares[i];
  const auto scale = static_cast<float>(1 / std::sqrt(sum / static_cast<double>(count) + eps));
  for (Index i = 0; i < count; i += kLanes) {
    const Index lanes = std::min<Index>(kLanes, count - i);
    load_part<kLanes>(from + i, lanes, x);
    load_part<kLanes>(weight + i, lanes, w);
    store_part<kLanes>(x * scale * w, lanes, to + i);
  }
}

}  // namespace kvx::inline v0::detail
