#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// Appends a code point as generalized UTF-8, which can also encode surrogates.
inline void append_code_point(std::uint32_t code, std::string& out) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
  }
  byte(0x80 | (code & 0x3F));
}

/// The number that the first four characters of `text` write in hexadecimal; nullopt if they are not such digits.
inline std::optional<std::uint32_t> hex4(std::string_view text) {
  std::uint32_t code = 0;
  if (text.size() < 4) return std::nullopt;
  for (const char c : text.substr(0, 4)) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto digit = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c);
    if (digit == kDigits.npos) return std::nullopt;
    code = code * 16 + static_cast<std::uint32_t>(digit);
  }
  return code;
}

/// Reads a JSON string whose opening quote precedes `text`, and removes the string and its closing quote from `text`.
/// Returns nullopt if it is malformed.
inline std::optional<std::string> take_json_string(std::string_view& text) {
  constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  std::string out;
  for (;;) {
    const std::size_t plain = text.find_first_of("\"\\");
    if (plain == text.npos) return std::nullopt;
    out.append(text.substr(0, plain));
    const bool closes = text[plain] == '"';
    text.remove_prefix(plain + 1);
    if (closes) return out;
    if (text.empty()) return std::nullopt;
    const char escape = text.front();
    text.remove_prefix(1);
    if (const auto index = kNames.find(escape); index != kNames.npos) {
      out += kMeanings[index];
      continue;
    }
    auto code = escape == 'u' ? hex4(text) : std::nullopt;
    if (!code) return std::nullopt;
    text.remove_prefix(4);
    if (*code >= 0xD800 && *code < 0xDC00 && text.substr(0, 2) == "\\u") {
      const auto low = hex4(text.substr(2));
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        text.remove_prefix(6);
      }
    }
    append_code_point(*code, out);
  }
}

/// Whether `token` is a number in JSON's grammar.
inline bool is_json_number(std::string_view token) {
  const auto skip_digits = [&] {
    const std::size_t count = std::min(token.find_first_not_of("0123456789"), token.size());
    token.remove_prefix(count);
    return count;
  };
  if (token.starts_with('-')) token.remove_prefix(1);
  const bool zero = token.starts_with('0');
  if (const std::size_t count = skip_digits(); count == 0 || (zero && count > 1)) return false;
  if (token.starts_with('.')) {
    token.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  return token.empty();
}

}  // namespace detail

}  // namespace kvx::inline v0
