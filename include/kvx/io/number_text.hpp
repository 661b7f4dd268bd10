#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

namespace kvx::inline v0 {

/// `number` with six significant digits. Further digits may differ between machines, because their math libraries do.
inline std::string six_digits(double number) {
  std::array<char, 32> text;
  return {text.data(),
          std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::general, 6).ptr};
}

/// `number` with `count` decimals, and with a plus sign if `plus` is true and it is not negative; `-` for NaN.
inline std::string decimals(double number, int count, bool plus = false) {
  if (std::isnan(number)) return "-";
  std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, plus ? "%+.*f" : "%.*f", count, number)), '\0');
  std::snprintf(text.data(), text.size() + 1, plus ? "%+.*f" : "%.*f", count, number);
  return text;
}

}  // namespace kvx::inline v0
