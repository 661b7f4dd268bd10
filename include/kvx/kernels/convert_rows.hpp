#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace kvx::inline v0::detail {

/// Rounds a row [in] to the nearest bf16, ties to even, and pads it with zeros to `padded` inputs, a multiple of 32. It
/// is written in parts of 32 inputs that begin `stride` elements apart: 32, or the size of a tile of several rows.
struct RoundJob {
  const float* row;
  Index in, padded;
  BF16* to;
  Index stride;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    using S = Simd<Path::lanes>;
    for (Index k = 0; k < padded; k += Path::lanes) {
      typename S::Float x;
      load_part<Path::lanes>(row + k, std::clamp<Index>(in - k, 0, Path::lanes), x);
      typename S::Bits rounded;
      S::round_to_bf16(x, rounded);
      const auto half = __builtin_convertvector(rounded >> 16, typename S::Half);
      std::memcpy(static_cast<void*>(to + k / 32 * stride + k % 32), &half, sizeof half);
    }
  }
};

/// Quantizes each group of PackedMatrix::kGroup inputs to bytes: input = scale * byte, where the largest magnitude gets
/// 127 or -127. The scale is not finite if one of the inputs is not. `offset` cancels the effect of the weights' kZero
/// on the group's sum.
struct QuantizeJob {
  const float* row;
  Index in, groups;
  std::int8_t* to;
  float* scale;
  std::int32_t* offset;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    constexpr int kLanes = Path::lanes;
    using S = Simd<kLanes>;
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
    for (Index g = 0; g < groups; ++g) {
      const auto load = [&](Index k, typename S::Float & x) __attribute__((always_inline)) {
        load_part<kLanes>(row + k, std::clamp<Index>(in - k, 0, kLanes), x);
      };
      const Index first = g * PackedMatrix::kGroup, last = first + PackedMatrix::kGroup;
      typename S::Float x;
      typename S::Int highest = {};  // the bits of a magnitude, which have its order; NaN is above infinity
      for (Index k = first; k < last; k += kLanes) {
        load(k, x);
        const auto magnitude = reinterpret_cast<typename S::Int>(x) & 0x7fffffff;
        highest = highest < magnitude ? magnitude : highest;
      }
      std::int32_t bits = 0;
      for (int i = 0; i < kLanes; ++i) bits = std::max(bits, highest[i]);
      float largest;
      std::memcpy(&largest, &bits, sizeof largest);
      scale[g] = largest / 127;
      const float inverse = largest > 1e-36f ? 127 / largest : 0;  // always finite
      typename S::Int sum = {};
      for (Index k = first; k < last; k += kLanes) {
        load(k, x);
        const auto whole = reinterpret_cast<typename S::Int>(x * inverse + kRound) - std::int32_t{0x4B400000};
        sum += whole;
        const auto bytes = __builtin_convertvector(whole, typename S::Bytes);
        std::memcpy(to + k, &bytes, sizeof bytes);
      }
      std::uint32_t total = 0;  // wraps if the scale is not finite
      for (int i = 0; i < kLanes; ++i) total += static_cast<std::uint32_t>(sum[i]);
      offset[g] = static_cast<std::int32_t>(total * (0u - std::uint32_t{PackedMatrix::kZero}));
    }
  }
};

}  // namespace kvx::inline v0::detail
