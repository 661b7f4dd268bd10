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

/// Asymmetric group quantization. The elements of a group share a scale and a zero, which is the group's smallest
/// element. An element is stored as a code and read as code * scale + zero. Keys per channel and values per token lost
/// least in Liu et al., "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", arXiv:2402.02750.
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

/// How the rows of a cache are quantized. The newest `residual` values, and keys if they are quantized per token, stay
/// as they are. Keys per channel are quantized in complete blocks of `residual` rows.
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
  /// Of `rows` unquantized rows, the number of keys that are to be quantized now. They are the first ones.
  Index due_keys(Index rows) const {
    return keys.axis == Quantization::Axis::per_channel ? rows / residual * residual : due_values(rows);
  }
  /// The same for values.
  Index due_values(Index rows) const { return std::max<Index>(0, rows - residual); }
};

/// The scale and the zero of one group, and the conversion between its elements and codes.
struct QuantizedGroup {
  float scale, zero;

  /// The group of elements between `low` and `high`. Scale and zero are rounded to T, which they are stored as.
  template <class T>
  static QuantizedGroup of_range(float low, float high, int bits) {
    const float zero = static_cast<float>(static_cast<T>(low));
    return {static_cast<float>(static_cast<T>((high - zero) / highest_code(bits))), zero};
  }
  std::uint8_t code(float x, int bits) const {
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, halves to the even one
    const float steps = scale > 0 ? std::max(0.0f, std::min(highest_code(bits), (x - zero) / scale)) : 0;
    return static_cast<std::uint8_t>((steps + kRound) - kRound);
  }
  float value(std::uint8_t code) const { return static_cast<float>(code) * scale + zero; }

 private:
  static float highest_code(int bits) { return static_cast<float>((1 << bits) - 1); }
};

/// Calls f(first row, first channel, elements, QuantizedGroup) for each group of `rows`, row by row. Scales and zeros
/// are rounded to T.
template <class T, class F>
void each_group(const MatrixView<const float>& rows, const Quantization& quantization, F&& f) {
  const bool per_channel = quantization.axis == Quantization::Axis::per_channel;
  const Index height = per_channel ? quantization.group : 1, width = per_channel ? 1 : quantization.group;
  for (Index j = 0; j < rows.rows(); j += height)
    for (Index d = 0; d < rows.cols(); d += width) {
      const auto elements = rows.block(j, d, std::min(height, rows.rows() - j), std::min(width, rows.cols() - d));
      f(j, d, elements, QuantizedGroup::of_range<T>(elements.minCoeff(), elements.maxCoeff(), quantization.bits));
    }
}

/// Rounds all elements to codes of `bits` bits that are symmetric about 0. All share one scale, so that the largest
/// magnitude gets the highest code. kv-canary does this to all keys, and to all values, of a forward pass.
inline void round_to_absmax(TensorView<float> tensor, int bits) {
  const auto each_element = [&](const auto& f) {
    for (Index h = 0; h < tensor.heads(); ++h)
      for (Index t = 0; t < tensor.tokens(); ++t) std::for_each_n(tensor.row(h, t), tensor.head_dim(), f);
  };
  float largest = 1e-8f;
  each_element([&](float x) { largest = std::max(largest, std::abs(x)); });
  const float scale = largest / static_cast<float>((1 << (bits - 1)) - 1);
  each_element([&](float& x) { x = std::nearbyint(x / scale) * scale; });
}

}  // namespace kvx::inline v0
