#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace kvx::inline v0::detail {

/// The types of registers with kLanes elements, in the vector extension of GCC and Clang.
template <int kLanes>
struct Lanes {
  typedef float Float __attribute__((vector_size(kLanes * sizeof(float))));
  typedef double Double __attribute__((vector_size(kLanes * sizeof(double))));
  typedef std::int32_t Int __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
  typedef std::uint32_t Bits __attribute__((vector_size(kLanes * sizeof(std::uint32_t))));
  typedef std::uint16_t Half __attribute__((vector_size(kLanes * sizeof(std::uint16_t))));
  typedef std::int16_t Words __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
  typedef std::int8_t Bytes __attribute__((vector_size(kLanes)));
};

/// Operations on registers of kLanes elements. Every function that uses a register is always inlined into a path's
/// run() (paths.hpp), so that one source serves every instruction set. Loops over arrays of registers have an unroll
/// pragma: at -O2 GCC would otherwise keep the arrays in memory, and the kernels would take three times as long.
template <int kLanes>
struct Simd {
  using Float = typename Lanes<kLanes>::Float;
  using Double = typename Lanes<kLanes>::Double;
  using Int = typename Lanes<kLanes>::Int;
  using Bits = typename Lanes<kLanes>::Bits;
  using Half = typename Lanes<kLanes>::Half;
  using Words = typename Lanes<kLanes>::Words;
  using Bytes = typename Lanes<kLanes>::Bytes;

  [[gnu::always_inline]] static void load(const float* from, Float& to) { std::memcpy(&to, from, sizeof to); }
  [[gnu::always_inline]] static void load(const BF16* from, Float& to) {
    Half half;
    std::memcpy(&half, from, sizeof half);
    to = reinterpret_cast<Float>(__builtin_convertvector(half, Bits) << 16);
  }
  /// Loads one element of each lane of 32 bits, which holds one float or two BF16. `place` is the element's index.
  template <int place>
  [[gnu::always_inline]] static void load_lanes(const float* from, Float& to) {
    static_assert(place == 0);
    load(from, to);
  }
  template <int place>
  [[gnu::always_inline]] static void load_lanes(const BF16* from, Float& to) {
    Bits bits;
    std::memcpy(&bits, from, sizeof bits);
    to = reinterpret_cast<Float>(place == 0 ? bits << 16 : bits & 0xffff0000u);
  }
  [[gnu::always_inline]] static void store(const Float& from, float* to) { std::memcpy(to, &from, sizeof from); }

  /// Rounds to the nearest bf16, ties to even, in the upper half of each lane.
  [[gnu::always_inline]] static void round_to_bf16(const Float& x, Bits& upper) {
    const Bits bits = reinterpret_cast<Bits>(x);
    upper = (x == x ? bits + 0x7fffu + ((bits >> 16) & 1u) : bits | 0x400000u) & 0xffff0000u;
  }

  /// Replaces x with exp(x), within 2 ulp: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. x is first clamped to
  /// [-87, 88].
  [[gnu::always_inline]] static void exp(Float& x) {
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low mantissa bits
    x = x < -87.0f ? Float{} - 87.0f : x;
    x = x > 88.0f ? Float{} + 88.0f : x;
    const Float shifted = x * 1.44269504f + kRound;
    const Float n = shifted - kRound;
    const Float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    Float p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const Int exponent = (reinterpret_cast<Int>(shifted) - std::int32_t{0x4B400000} + 127) << 23;
    x = p * reinterpret_cast<Float>(exponent);
  }

  /// Sine and cosine of x in [0, 2^18], with errors of at most 2e-6 up to 2^15 and 2e-5 above. A multiple of 2 pi is
  /// subtracted in three parts; then follow minimax polynomials on [-pi, pi].
  [[gnu::always_inline]] static void sin_cos(const Float& x, Float& sin, Float& cos) {
    constexpr float kRound = 12582912.0f;  // see exp()
    const Float n = (x * 0.159154943f + kRound) - kRound;
    const Float r = ((x - n * 6.28125f) - n * 1.93500518798828125e-3f) - n * 3.01991598e-7f;
    const Float z = r * r;
    Float p = z * -2.03653823e-8f + 2.69980183e-6f;
    p = p * z - 1.98087218e-4f;
    p = p * z + 8.33240710e-3f;
    p = p * z - 1.66665539e-1f;
    p = p * z + 9.99999583e-1f;
    sin = p * r;
    p = z * 1.72469439e-9f - 2.70795965e-7f;
    p = p * z + 2.47699481e-5f;
    p = p * z - 1.38878066e-3f;
    p = p * z + 4.16664891e-2f;
    p = p * z - 4.99999881e-1f;
    cos = p * z + 1.0f;
  }
};

/// Exchanges the lanes of `a` whose number has the bit kStep with the lanes of `b` whose number does not have it.
template <int kLanes, int kStep, int... kLane>
[[gnu::always_inline]] inline void swap_lanes(typename Simd<kLanes>::Float& a, typename Simd<kLanes>::Float& b,
                                              std::integer_sequence<int, kLane...>) {
  const auto low = __builtin_shufflevector(a, b, ((kLane & kStep) == 0 ? kLane : kLanes + kLane - kStep)...);
  b = __builtin_shufflevector(a, b, ((kLane & kStep) == 0 ? kLane + kStep : kLanes + kLane)...);
  a = low;
}

/// Sets each lane to the highest of all lanes.
template <int kLanes, int kStep = kLanes / 2>
[[gnu::always_inline]] inline void highest_lane(typename Simd<kLanes>::Float& x) {
  typename Simd<kLanes>::Float other = x;
  swap_lanes<kLanes, kStep>(x, other, std::make_integer_sequence<int, kLanes>());
  x = x > other ? x : other;
  if constexpr (kStep > 1) highest_lane<kLanes, kStep / 2>(x);
}

/// The sum of all lanes: the upper half of the lanes is added to the lower one, and so on.
template <int kLanes, class Lanes, int... kLane>
[[gnu::always_inline]] inline double sum_lanes(const Lanes& x, std::integer_sequence<int, kLane...>) {
  if constexpr (kLanes == 2)
    return x[0] + x[1];
  else {
    const auto half = __builtin_shufflevector(x, x, kLane...) + __builtin_shufflevector(x, x, (kLanes / 2 + kLane)...);
    return sum_lanes<kLanes / 2>(half, std::make_integer_sequence<int, kLanes / 4>());
  }
}
/// The sum of all lanes, computed in double.
template <int kLanes>
[[gnu::always_inline]] inline double sum_lanes(const typename Simd<kLanes>::Float& x) {
  const auto wide = __builtin_convertvector(x, typename Simd<kLanes>::Double);
  return sum_lanes<kLanes>(wide, std::make_integer_sequence<int, kLanes / 2>());
}

/// Transposes kLanes registers: lane j of register i becomes lane i of register j.
template <int kLanes, int kStep = 1>
[[gnu::always_inline]] inline void transpose(typename Simd<kLanes>::Float (&rows)[std::size_t{kLanes}]) {
  for (int i = 0; i < kLanes; ++i)
    if ((i & kStep) == 0)
      swap_lanes<kLanes, kStep>(rows[i], rows[i + kStep], std::make_integer_sequence<int, kLanes>());
  if constexpr (2 * kStep < kLanes) transpose<kLanes, 2 * kStep>(rows);
}

/// Loads kLanes elements, or the last `count` of a row; the other lanes become zero.
template <int kLanes, class T>
[[gnu::always_inline]] inline void load_part(const T* from, Index count, typename Simd<kLanes>::Float& to) {
  if (count == kLanes) return Simd<kLanes>::load(from, to);
  T padded[std::size_t{kLanes}] = {};
  std::memcpy(static_cast<void*>(padded), static_cast<const void*>(from), static_cast<std::size_t>(count) * sizeof(T));
  Simd<kLanes>::load(padded, to);
}
/// Stores the first `count` lanes.
template <int kLanes>
[[gnu::always_inline]] inline void store_part(const typename Simd<kLanes>::Float& from, Index count, float* to) {
  if (count == kLanes) return Simd<kLanes>::store(from, to);
  std::memcpy(to, &from, static_cast<std::size_t>(count) * sizeof(float));
}

}  // namespace kvx::inline v0::detail
