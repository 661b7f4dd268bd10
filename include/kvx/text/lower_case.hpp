#pragma once

#include <kvx/text/utf8.hpp>

#include <utf8proc.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// `text` with each character in lower case if that is one character, which holds for all but `İ`. Bytes that are not
/// UTF-8 do not change.
inline std::string lower_case(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const std::string_view character = text.substr(0, step.bytes);
    text.remove_prefix(step.bytes);
    if (step.kind != Utf8Step::character) {
      lower += character;
      continue;
    }
    utf8proc_int32_t point = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(character.data()),
                     static_cast<utf8proc_ssize_t>(character.size()), &point);
    std::array<char, 4> bytes{};
    const auto length =
        utf8proc_encode_char(utf8proc_tolower(point), reinterpret_cast<utf8proc_uint8_t*>(bytes.data()));
    lower.append(bytes.data(), static_cast<std::size_t>(length));
  }
  return lower;
}

}  // namespace kvx::inline v0
