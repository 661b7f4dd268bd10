#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/io/json/json.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

inline constexpr Index kMaxSize = Index{1} << 24;  // the largest size that config.json may state
inline constexpr Index kMaxLayers = 1024;

/// A positive integer. Throws Error, naming the field, for any other value and for one above `maximum`.
inline Index read_size(const JsonValue& value, Index maximum = kMaxSize) {
  const Index size = value.whole();
  if (size < 1 || size > maximum) value.fail("an integer from 1 to " + std::to_string(maximum));
  return size;
}

/// A number from `minimum` to `maximum`. Throws Error, naming the field and `expected`, for any other value.
inline double read_number(const JsonValue& value, double minimum, double maximum, std::string_view expected) {
  const double number = value.number();
  if (!(number >= minimum && number <= maximum)) value.fail(expected);
  return number;
}

}  // namespace kvx::inline v0::detail
