#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Asymmetric group quantization: the elements of a group share a scale and a zero, and an element becomes
/// code * scale + zero, where the zero is the group's least element. Keys per channel and values per token are what
/// Liu et al., "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", arXiv:2402.02750, found to lose least.
struct Quantization {
  enum class Axis {
    per_channel,  ///< a group is `group` successive rows of one channel
    per_token     ///< a group is `group` successive channels of one row
  };

  Axis axis = Axis::per_channel;
  int bits = 4;
  Index group = 32;  ///< the last one may be shorter

  void validate() const {
    if (bits != 2 && bits != 4 && bits != 8)
      throw Error("quantization: bits", "expected 2, 4 or 8, found " + std::to_string(bits));
    if (group < 1) throw Error("quantization: group", "expected at least 1, found " + std::to_string(group));
  }
};
constexpr auto names_of(Quantization::Axis) { return std::array<std::string_view, 2>{"per_channel", "per_token"}; }

/// How the rows of a cache are quantized: the newest `residual` of them stay as they are, and keys per channel follow
/// in whole blocks of so many.
struct CacheQuantization {
  Quantization keys{Quantization::Axis::per_channel}, values{Quantization::Axis::per_token};
  Index residual = 128;
  bool bias = false;  ///< keys are stored without the model's bias

  void validate() const {
    keys.validate();
    values.validate();
    if (residual < 1 || (keys.axis == Quantization::Axis::per_channel && residual % keys.group != 0))
      throw Error("quantization: residual", "expected a multiple of the group, " + std::to_string(keys.group) +
                                                ", found " + std::to_string(residual));
  }
  /// Of `rows` that stand whole, the first so many keys and values are due.
  Index due_keys(Index rows) const {
    return keys.axis == Quantization::Axis::per_channel ? rows / residual * residual : due_values(rows);
  }
  Index due_values(Index rows) const { return std::max<Index>(0, rows - residual); }
};

/// What the codes of one group mean.
struct QuantizedGroup {
  float scale, zero;

  /// For elements from `low` to `high`; scale and zero are stored as T.
  template <class T>
  static QuantizedGroup of(float low, float high, int bits) {
    const float zero = static_cast<float>(static_cast<T>(low));
    return {static_cast<float>(static_cast<T>((high - zero) / most(bits))), zero};
  }
  std::uint8_t code(float x, int bits) const {
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, halves to the even one
    const float steps = scale > 0 ? std::max(0.0f, std::min(most(bits), (x - zero) / scale)) : 0;
    return static_cast<std::uint8_t>((steps + kRound) - kRound);
  }
  float value(std::uint8_t code) const { return static_cast<float>(code) * scale + zero; }

 private:
  static float most(int bits) { return static_cast<float>((1 << bits) - 1); }
};

/// Calls f(first row, first channel, elements, QuantizedGroup) for each group of `rows`, row by row; scales and zeros
/// are stored as T.
template <class T, class F>
void each_group(const MatrixView<const float>& rows, const Quantization& how, F&& f) {
  const bool per_channel = how.axis == Quantization::Axis::per_channel;
  const Index height = per_channel ? how.group : 1, width = per_channel ? 1 : how.group;
  for (Index j = 0; j < rows.rows(); j += height)
    for (Index d = 0; d < rows.cols(); d += width) {
      const auto elements = rows.block(j, d, std::min(height, rows.rows() - j), std::min(width, rows.cols() - d));
      f(j, d, elements, QuantizedGroup::of<T>(elements.minCoeff(), elements.maxCoeff(), how.bits));
    }
}

/// Rounds all elements to codes of `bits` bits, symmetric about 0, with one scale that the largest of them decides:
/// what kv-canary does to all keys, and to all values, of a forward.
inline void round_to_absmax(TensorView<float> tensor, int bits) {
  const auto each = [&](const auto& f) {
    for (Index h = 0; h < tensor.heads(); ++h)
      for (Index t = 0; t < tensor.tokens(); ++t) std::for_each_n(tensor.row(h, t), tensor.head_dim(), f);
  };
  float largest = 1e-8f;
  each([&](float x) { largest = std::max(largest, std::abs(x)); });
  const float scale = largest / static_cast<float>((1 << (bits - 1)) - 1);
  each([&](float& x) { x = std::nearbyint(x / scale) * scale; });
}

}  // namespace kvx::inline v0
