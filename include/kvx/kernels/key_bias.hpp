#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace kvx::inline v0 {

/// The bias that a model adds to the keys of a KV head before RoPE; a key in the cache contains it rotated to the row's
/// position. Some biases of Qwen2 are far larger than the rest of the keys. The memory belongs to somebody else.
struct KeyBias {
  std::span<const float> bias = {};      ///< [head_dim], or empty if there is no bias
  std::span<const float> inv_freq = {};  ///< [head_dim / 2]
};

/// Adds `factor` times the bias, rotated to their positions, to keys [positions, head_dim].
inline void add_key_bias(const KeyBias& key_bias, std::span<const Position> positions, float factor, float* keys) {
  constexpr int kLanes = 4;
  using S = detail::Simd<kLanes>;
  if (key_bias.bias.empty()) return;
  const auto half = static_cast<Index>(key_bias.inv_freq.size());
  for (std::size_t t = 0; t < positions.size(); ++t, keys += 2 * half)
    for (Index i = 0; i < half; i += kLanes) {
      const Index width = std::min<Index>(kLanes, half - i);
      const auto load = [&](const float* from) {
        S::Float lanes;
        detail::load_part<kLanes>(from + i, width, lanes);
        return lanes;
      };
      const S::Float a = load(key_bias.bias.data()), b = load(key_bias.bias.data() + half);
      S::Float sin, cos;
      S::sin_cos(load(key_bias.inv_freq.data()) * static_cast<float>(positions[t]), sin, cos);
      detail::store_part<kLanes>(load(keys) + (a * cos - b * sin) * factor, width, keys + i);
      detail::store_part<kLanes>(load(keys + half) + (b * cos + a * sin) * factor, width, keys + half + i);
    }
}

}  // namespace kvx::inline v0
