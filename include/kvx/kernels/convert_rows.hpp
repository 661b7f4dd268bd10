#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace kvx::inline v0::detail {

/// Rounds a row [in] to the nearest bf16, ties to even; zeros from `in` to `padded`, a multiple of 32. Each 32 inputs
/// are `stride` elements apart: 32, or those of a tile of several rows.
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

/// Each group of PackedMatrix::kGroup inputs as bytes: row = scale * byte, the largest becoming 127; the scale is not
/// finite if one of them is not. `offset` is what cancels the weights' kZero in the group's sum.
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
      typename S::Int most = {};  // magnitudes in the order of their bits, NaN above infinity
      for (Index k = first; k < last; k += kLanes) {
        load(k, x);
        const auto magnitude = reinterpret_cast<typename S::Int>(x) & 0x7fffffff;
        most = most < magnitude ? magnitude : most;
      }
      std::int32_t bits = 0;
      for (int i = 0; i < kLanes; ++i) bits = std::max(bits, most[i]);
      float largest;
      std::memcpy(&largest, &bits, sizeof largest);
      scale[g] = largest / 127;
      const float inverse = largest > 1e-36f ? 127 / largest : 0;  // which is finite
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
