#pragma once

#include <kvx/io/json/json.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// Python's repr of a finite float: the fewest digits that read back as the same number. It has an exponent if the
/// value is less than 1e-4 or at least 1e16, and a decimal point otherwise.
inline std::string python_float(double value) {
  std::array<char, 32> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));  // [-]d[.ddd]e[+-]dd
  const std::size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= 16) return std::string(text);
  const std::string_view sign = text.substr(0, text[0] == '-');
  std::string digits;
  for (const char c : text.substr(sign.size(), e - sign.size()))
    if (c != '.') digits += c;
  if (exponent < 0)
    return std::string(sign) + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto point = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= point) digits.append(point + 1 - digits.size(), '0');
  return std::string(sign) + digits.insert(point, ".");
}

inline void write_python_string(std::string_view text, std::string& out) {
  // Each character is followed by the one after the backslash of its escape.
  constexpr std::string_view kShort = "\"\"\\\\\nn\rr\tt\ff\bb";
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    std::size_t known = 0;
    while (known < kShort.size() && kShort[known] != c) known += 2;
    if (known < kShort.size()) {
      (out += '\\') += kShort[known + 1];
    } else if (byte < 0x20) {
      ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

inline void write_python_json(const JsonValue::Element& value, std::string& out) {
  using Type = simdjson::dom::element_type;
  std::string_view separator;
  switch (value.type()) {
    case Type::ARRAY:
      out += '[';
      for (const auto element : simdjson::dom::array(value)) {
        out += separator;
        separator = ", ";
        write_python_json(element, out);
      }
      out += ']';
      break;
    case Type::OBJECT:
      out += '{';
      for (const auto [name, member] : simdjson::dom::object(value)) {
        out += separator;
        separator = ", ";
        write_python_string(name, out);
        out += ": ";
        write_python_json(member, out);
      }
      out += '}';
      break;
    case Type::STRING:
      write_python_string(value, out);
      break;
    case Type::DOUBLE:
      out += python_float(value);
      break;
    case Type::INT64:
      out += std::to_string(std::int64_t(value));
      break;
    case Type::UINT64:
      out += std::to_string(std::uint64_t(value));
      break;
    case Type::BOOL:
      out += bool(value) ? "true" : "false";
      break;
    case Type::NULL_VALUE:
      out += "null";
      break;
  }
}

}  // namespace detail

/// The JSON text `json` as Python's json.dumps(json.loads(text), ensure_ascii=False) writes it, and as the filter
/// `tojson` of chat templates does. Throws Error, naming `where`, if it is not JSON or has an integer of more than 64
/// bits. Members with the same name are all kept.
inline std::string python_json(std::string_view json, std::string where) {
  const auto document = JsonDocument::parse(json, std::move(where));
  std::string out;
  detail::write_python_json(document.root().element(), out);
  return out;
}

}  // namespace kvx::inline v0
