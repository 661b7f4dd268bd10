#pragma once

#include <kvx/text/utf8.hpp>

#include <utf8proc.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The code points of a text, with U+FFFD for bytes that are not UTF-8.
inline std::u32string code_points(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    utf8proc_int32_t point = 0xFFFD;
    if (step.kind == Utf8Step::character)
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(step.bytes), &point);
    points += static_cast<char32_t>(point);
    text.remove_prefix(step.bytes);
  }
  return points;
}

/// The UTF-8 text of code points.
inline std::string utf8_of(std::u32string_view points) {
  std::string text;
  text.reserve(points.size());
  for (const char32_t point : points) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes.data());
    text.append(bytes.begin(), bytes.begin() + length);
  }
  return text;
}

}  // namespace kvx::inline v0
