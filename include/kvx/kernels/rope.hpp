#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// The position of a token in its sequence, by which its key is rotated.
using Position = std::int32_t;

/// inv_freq[i] = theta^(-2 i / head_dim), [head_dim / 2].
inline std::vector<float> rope_inv_freq(Index head_dim, double theta) {
  std::vector<float> inv_freq(static_cast<std::size_t>(head_dim / 2));
  for (std::size_t i = 0; i < inv_freq.size(); ++i)
    inv_freq[i] = static_cast<float>(std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)));
  return inv_freq;
}

/// The cosines and sines of RoPE for a list of positions (Su et al., "RoFormer", arXiv:2104.09864). Channels i and i +
/// head_dim / 2 are rotated as a pair, as in Hugging Face's implementation, and the angle is a product of floats, as
/// there.
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(std::span<const float> inv_freq, std::span<const Position> positions, float factor = 1) {
    fill(inv_freq, positions, factor);
  }

  /// Replaces the list of positions. All cosines and sines are multiplied by `factor`, as YaRN does.
  void fill(std::span<const float> inv_freq, std::span<const Position> positions, float factor = 1) {
    half_ = static_cast<Index>(inv_freq.size());
    cos_.resize(positions.size() * inv_freq.size());
    sin_.resize(cos_.size());
    for (std::size_t t = 0, index = 0; t < positions.size(); ++t)
      for (std::size_t i = 0; i < inv_freq.size(); ++i, ++index) {
        const float angle = static_cast<float>(positions[t]) * inv_freq[i];
        cos_[index] = std::cos(angle) * factor;
        sin_[index] = std::sin(angle) * factor;
      }
  }

  /// Rotates `row` [head_dim] by the position at `index` of the list.
  void rotate(Index index, float* row) const {
    const float *const cos = cos_.data() + index * half_, *const sin = sin_.data() + index * half_;
    for (Index i = 0; i < half_; ++i) {
      const float c = cos[i], s = sin[i], a = row[i], b = row[i + half_];
      row[i] = a * c - b * s;
      row[i + half_] = b * c + a * s;
    }
  }

 private:
  Index half_ = 0;
  std::vector<float> cos_, sin_;  // [positions, head_dim / 2]
};

}  // namespace kvx::inline v0
