#pragma once

#include <kvx/core/error.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace kvx::inline v0 {

/// Reads `text` as the value of the option `name`. Throws an Error that names the option unless it is a finite number.
inline double number_of(const std::string& name, std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw Error(name, "expected a number, found '" + std::string(text) + "'");
  return value;
}

/// Like number_of(), for a whole number from `minimum` to `maximum`.
inline std::size_t whole_of(const std::string& name, const std::string& text, std::size_t minimum,
                            double maximum = 1e15) {
  const double value = number_of(name, text);
  if (!(value >= static_cast<double>(minimum) && value <= maximum) || value != std::floor(value))
    throw Error(name, "expected a whole number of at least " + std::to_string(minimum) + ", found " + text);
  return static_cast<std::size_t>(value);
}

/// Like number_of(), for `true` or `false`.
inline bool flag_of(const std::string& name, const std::string& text) {
  if (text != "true" && text != "false") throw Error(name, "expected true or false, found " + text);
  return text == "true";
}

}  // namespace kvx::inline v0
