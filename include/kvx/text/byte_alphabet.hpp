#pragma once

#include <kvx/text/utf8.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// GPT-2's byte alphabet, in which tokenizer files write each byte as one character. Printable Latin-1 bytes are
/// written as themselves, the other 68 as U+0100 and up, in order.
struct ByteAlphabet {
  std::array<char16_t, 256> character{};
  std::array<int, 324> byte{};  // by character, -1 if it is not in the alphabet

  constexpr ByteAlphabet() {
    byte.fill(-1);
    char16_t next = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
      const char16_t c = printable ? static_cast<char16_t>(b) : next++;
      character[static_cast<std::size_t>(b)] = c;
      byte[c] = b;
    }
  }
};
inline constexpr ByteAlphabet kByteAlphabet;

/// The character for a byte, one or two bytes of UTF-8.
inline std::string byte_level_character(unsigned char byte) {
  const char16_t c = kByteAlphabet.character[byte];
  if (c < 0x80) return {static_cast<char>(c)};
  return {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
}

/// The bytes of a token that a file writes as `written`; `written` itself if a character is not in the alphabet.
inline std::string byte_level_bytes(std::string_view written) {
  std::string bytes;
  for (std::string_view rest = written; !rest.empty();) {
    const Utf8Step step = utf8_step(rest);
    std::size_t c = static_cast<unsigned char>(rest[0]);
    if (step.bytes == 2) c = (c & 0x1F) << 6 | (static_cast<unsigned char>(rest[1]) & 0x3F);
    if (step.kind != Utf8Step::character || step.bytes > 2 || c >= kByteAlphabet.byte.size() ||
        kByteAlphabet.byte[c] < 0)
      return std::string(written);
    bytes += static_cast<char>(kByteAlphabet.byte[c]);
    rest.remove_prefix(step.bytes);
  }
  return bytes;
}

}  // namespace kvx::inline v0
