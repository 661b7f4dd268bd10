#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kvx::inline v0 {

namespace detail {

template <class T>
using MagnitudeBits = std::conditional_t<std::is_same_v<T, float>, std::int32_t, std::int16_t>;

/// The bits of `value` without its sign. As integers, they are ordered as the magnitudes are; infinity and NaN are
/// above all numbers.
template <class T>
MagnitudeBits<T> magnitude_bits(const T* value) {
  using Bits = MagnitudeBits<T>;
  Bits bits;
  std::memcpy(&bits, static_cast<const void*>(value), sizeof bits);
  return static_cast<Bits>(bits & (sizeof(Bits) == 4 ? 0x7fffffff : 0x7fff));
}

template <class T>
inline constexpr MagnitudeBits<T> kInfinityBits = std::is_same_v<T, float> ? static_cast<MagnitudeBits<T>>(0x7f800000)
                                                  : std::is_same_v<T, F16> ? static_cast<MagnitudeBits<T>>(0x7c00)
                                                                           : static_cast<MagnitudeBits<T>>(0x7f80);
/// Floats of this magnitude or more become an infinity when they are rounded to bf16.
inline constexpr std::int32_t kInfinityBitsInBf16 = 0x7f7f8000;

/// The index of the first value whose magnitude_bits() are at least `limit`; `count` if there is none.
template <class T>
Index first_at_least(const T* values, Index count, MagnitudeBits<T> limit) {
  constexpr Index kBlock = 256;  // checked together without branches, so the compiler uses vector instructions
  for (Index first = 0; first < count; first += kBlock) {
    const Index last = std::min(count, first + kBlock);
    MagnitudeBits<T> reached = 0;
    for (Index i = first; i < last; ++i)
      reached = static_cast<MagnitudeBits<T>>(reached | -(magnitude_bits(values + i) >= limit));
    for (Index i = first; reached != 0 && i < last; ++i)
      if (magnitude_bits(values + i) >= limit) return i;
  }
  return count;
}

}  // namespace detail

/// The index of the first value that is NaN or infinite; `count` if all are finite. `T` is float, F16 or BF16.
template <class T>
Index first_not_finite(const T* values, Index count) {
  return detail::first_at_least(values, count, detail::kInfinityBits<T>);
}

}  // namespace kvx::inline v0
