#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/finite.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

static_assert(std::endian::native == std::endian::little, "the bytes of tensors in files are little-endian");

/// One tensor of a file that the caller keeps in memory. `bytes` holds its elements row by row. They may be unaligned;
/// to_floats() and values() copy them.
struct Tensor {
  std::string dtype;  // as the file spells it: "F32", "BF16", "I64", ...
  std::vector<Index> shape;
  std::span<const std::byte> bytes;
  std::string where;  // "FILE: tensor NAME", for errors
};

/// The element type of a tensor of weights; throws Error unless it is F32, F16 or BF16.
inline Dtype float_dtype(const Tensor& tensor) {
  if (tensor.dtype == "F32") return Dtype::f32;
  if (tensor.dtype == "F16") return Dtype::f16;
  if (tensor.dtype == "BF16") return Dtype::bf16;
  const bool quantized = tensor.dtype == "U8" || tensor.dtype == "I8" || tensor.dtype.starts_with("F8_");
  throw Error(tensor.where,
              "dtype: expected F32, F16 or BF16, found " + tensor.dtype +
                  (quantized ? ", as in quantized models; kvx reads only models that are not quantized" : ""));
}

/// The elements of an F32, F16 or BF16 tensor as floats.
inline std::vector<float> to_floats(const Tensor& tensor) {
  std::vector<float> out;
  visit(float_dtype(tensor), [&]<class T>(T value) {
    out.resize(tensor.bytes.size() / sizeof value);
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
      out[i] = static_cast<float>(value);
    }
  });
  return out;
}

/// The same for a tensor whose values must be finite: throws Error, naming the element, for NaN and infinities.
inline std::vector<float> finite_floats(const Tensor& tensor) {
  std::vector<float> floats = to_floats(tensor);
  const auto size = static_cast<Index>(floats.size());
  if (const Index index = first_not_finite(floats.data(), size); index < size)
    throw Error(tensor.where, "element " + std::to_string(index) + ": expected a finite number, found " +
                                  std::to_string(floats[static_cast<std::size_t>(index)]));
  return floats;
}

/// A copy of a tensor whose dtype is exactly T: float, std::int32_t or std::uint8_t.
template <class T>
std::vector<T> values(const Tensor& tensor) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::uint8_t>);
  constexpr std::string_view dtype = std::is_same_v<T, float> ? "F32" : std::is_same_v<T, std::int32_t> ? "I32" : "U8";
  if (tensor.dtype != dtype)
    throw Error(tensor.where, "dtype: expected " + std::string(dtype) + ", found " + tensor.dtype);
  std::vector<T> out(tensor.bytes.size() / sizeof(T));
  std::ranges::copy(tensor.bytes, std::as_writable_bytes(std::span(out)).begin());
  return out;
}

}  // namespace kvx::inline v0
