#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>

namespace kvx::inline v0::detail {

/// gate[i] = silu(gate[i]) * up[i], silu(x) = x / (1 + exp(-x)).
template <int kLanes>
[[gnu::always_inline]] inline void swiglu(float* gate, const float* up, Index count) {
  using S = Simd<kLanes>;
  for (Index i = 0; i < count; i += kLanes) {
    const Index lanes = std::min<Index>(kLanes, count - i);
    typename S::Float g, u, e;
    load_part<kLanes>(gate + i, lanes, g);
    load_part<kLanes>(up + i, lanes, u);
    e = -g;
    S::exp(e);
    store_part<kLanes>(g / (e + 1.0f) * u, lanes, gate + i);
  }
}

/// gate[i] = gelu(gate[i]) * up[i], with gelu(x) = x / 2 (1 + tanh(u)) = x / (1 + exp(-2 u)) and u = sqrt(2 / pi) (x +
/// 0.044715 x^3): the approximation of Hendrycks and Gimpel, arXiv:1606.08415.
template <int kLanes>
[[gnu::always_inline]] inline void geglu(float* gate, const float* up, Index count) {
  using S = Simd<kLanes>;
  constexpr float kTwice = 1.59576912f, kCubic = kTwice * 0.044715f;  // 2 sqrt(2 / pi)
  for (Index i = 0; i < count; i += kLanes) {
    const Index lanes = std::min<Index>(kLanes, count - i);
    typename S::Float g, u, e;
    load_part<kLanes>(gate + i, lanes, g);
    load_part<kLanes>(up + i, lanes, u);
    e = -g * (g * g * kCubic + kTwice);
    S::exp(e);
    store_part<kLanes>(g / (e + 1.0f) * u, lanes, gate + i);
  }
}

}  // namespace kvx::inline v0::detail
