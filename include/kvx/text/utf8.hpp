#pragma once

#include <kvx/core/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The beginning of a text: one character, bytes that are not UTF-8, or a character whose end is missing.
struct Utf8Step {
  enum Kind { character, malformed, truncated } kind;
  std::size_t bytes;  // for the last two: those that may begin a character, at least 1
};

/// Looks at the first character of a non-empty text.
inline Utf8Step utf8_step(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {Utf8Step::character, 1};
  if (lead < 0xC2 || lead > 0xF4) return {Utf8Step::malformed, 1};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The range of the second byte excludes overlong forms, surrogates and code points above U+10FFFF.
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {Utf8Step::truncated, i};
    if (byte(i) < low || byte(i) > high) return {Utf8Step::malformed, i};
    low = 0x80;
    high = 0xBF;
  }
  return {Utf8Step::character, length};
}

/// The number of bytes before the first one that is not part of a UTF-8 character; `text.size()` if there is none.
inline std::size_t valid_utf8_bytes(std::string_view text) {
  std::size_t pos = 0;
  while (pos < text.size()) {
    const Utf8Step step = utf8_step(text.substr(pos));
    if (step.kind != Utf8Step::character) break;
    pos += step.bytes;
  }
  return pos;
}

/// Throws Error, naming `where`, unless `text` is UTF-8.
inline void check_utf8(std::string_view text, std::string_view where) {
  if (const std::size_t pos = valid_utf8_bytes(text); pos < text.size())
    throw Error(where, "expected UTF-8, found an invalid byte at " + std::to_string(pos));
}

/// Removes the characters from `bytes` and returns them, with U+FFFD for bytes that are not UTF-8. A character whose
/// end is missing stays in `bytes`.
inline std::string take_utf8(std::string& bytes) {
  std::string text;
  std::size_t pos = 0;
  while (pos < bytes.size()) {
    const Utf8Step step = utf8_step(std::string_view(bytes).substr(pos));
    if (step.kind == Utf8Step::truncated) break;
    if (step.kind == Utf8Step::character) {
      text.append(bytes, pos, step.bytes);
    } else {
      text += "\uFFFD";
    }
    pos += step.bytes;
  }
  bytes.erase(0, pos);
  return text;
}

}  // namespace kvx::inline v0
