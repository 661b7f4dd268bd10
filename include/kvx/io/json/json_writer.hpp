#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Writes one JSON text piece by piece, without white space. Strings are written as UTF-8; lone surrogates, which UTF-8
/// cannot encode, are escaped. A double gets the fewest digits that read back as the same number; NaN and infinities
/// are written as null.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  /// Writes the name of a member; its value must follow.
  JsonWriter& key(std::string_view name) {
    value(name);
    text_ += ':';
    first_ = true;
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    text_ += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\xed' && i + 2 < text.size() && text[i + 1] >= '\xa0' && text[i + 1] < '\xc0') {
        escape(0xd000u | (text[i + 1] & 0x3fu) << 6 | (text[i + 2] & 0x3fu));
        i += 2;
      } else {
        write(text[i]);
      }
    }
    text_ += '"';
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) { return raw(std::to_string(number)); }
  JsonWriter& value(double number) {
    if (!std::isfinite(number)) return null();
    std::array<char, 32> digits;
    return raw({digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr});
  }
  JsonWriter& null() { return raw("null"); }

  /// Writes a value that is already JSON.
  JsonWriter& raw(std::string_view json) {
    separate();
    text_ += json;
    return *this;
  }

  const std::string& text() const { return text_; }

 private:
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }
  JsonWriter& open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  void escape(unsigned unit) {
    constexpr std::string_view kHex = "0123456789abcdef";
    text_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) text_ += kHex[unit >> shift & 15];
  }
  void write(char c) {
    constexpr std::string_view kSpecial = "\"\\\n\r\t", kNames = "\"\\nrt";
    if (const auto index = kSpecial.find(c); index != kSpecial.npos) {
      (text_ += '\\') += kNames[index];
    } else if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
      escape(byte);
    } else {
      text_ += c;
    }
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace kvx::inline v0
