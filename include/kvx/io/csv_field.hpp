#pragma once

#include <kvx/io/json/json_writer.hpp>

#include <cmath>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// A field of a CSV file (RFC 4180), in quotes if it needs them.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

/// The shortest text that reads back as the same number, as in JSON; empty for a number that is not finite.
inline std::string csv_field(double number) {
  return std::isfinite(number) ? JsonWriter().value(number).text() : std::string();
}

}  // namespace kvx::inline v0
