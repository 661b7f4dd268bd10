#pragma once

#include <Eigen/Core>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace kvx::inline v0 {

using BF16 = Eigen::bfloat16;
using F16 = Eigen::half;

/// Element types that weights and caches are stored in. Sums are always float.
enum class Dtype { f32, f16, bf16 };

constexpr std::string_view name_of(Dtype dtype) {
  return dtype == Dtype::f32 ? "f32" : dtype == Dtype::f16 ? "f16" : "bf16";
}

constexpr std::size_t size_of(Dtype dtype) { return dtype == Dtype::f32 ? 4 : 2; }

template <class T>
inline constexpr Dtype dtype_of = [] {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, F16> || std::is_same_v<T, BF16>);
  return std::is_same_v<T, float> ? Dtype::f32 : std::is_same_v<T, F16> ? Dtype::f16 : Dtype::bf16;
}();

/// Calls `f` with a value of the element type: visit(dtype, [&]<class T>(T) { ... }).
template <class F>
decltype(auto) visit(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::f16:
      return f(F16());
    case Dtype::bf16:
      return f(BF16());
    default:
      return f(float());
  }
}

}  // namespace kvx::inline v0
