#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// A line without its end, and the offset in the text at which it begins.
struct TextLine {
  std::string_view text;
  std::size_t offset;

  std::size_t indent() const { return std::min(text.find_first_not_of(" \t"), text.size()); }
  bool blank() const { return indent() == text.size(); }
  /// The line without its indentation and without blanks at its end.
  std::string_view content() const {
    const std::size_t end = text.find_last_not_of(" \t");
    return blank() ? std::string_view() : text.substr(indent(), end + 1 - indent());
  }
};

inline std::vector<TextLine> lines_of(std::string_view text) {
  std::vector<TextLine> lines;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t end = std::min(text.find('\n', pos), text.size());
    lines.push_back({text.substr(pos, end - pos), pos});
    pos = end + 1;
  }
  return lines;
}

/// Whether `c` is an ASCII letter, a digit, an underscore or not ASCII.
inline bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

/// The name that a text begins with; may be empty.
inline std::string_view name_at(std::string_view text) {
  return text.substr(
      0, static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_name_character) - text.begin()));
}

inline std::string_view without_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

/// The name of the function or class that a line of column 0 begins to define, or of the variable that it sets.
inline std::string_view defined_name(std::string_view line) {
  for (const std::string_view keyword : {"async def", "def", "class"})
    if (line.starts_with(keyword) && line.substr(keyword.size()).find_first_of(" \t") == 0)
      return name_at(without_blanks(line.substr(keyword.size())));
  const std::string_view name = name_at(line), rest = without_blanks(line.substr(name.size()));
  return rest.starts_with("=") && !rest.starts_with("==") ? name : std::string_view();
}

inline bool is_function(std::string_view line) { return line.starts_with("def ") || line.starts_with("async def "); }

}  // namespace detail

/// `text` with "\n" instead of "\r\n" at line ends.
inline std::string with_line_feeds(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') result += text[i];
  return result;
}

/// The offset of the definition of `name` at column 0, or of any function if `name` is empty; npos if there is none.
inline std::size_t definition_of(std::string_view code, std::string_view name) {
  for (const detail::TextLine& line : detail::lines_of(code))
    if (name.empty() ? detail::is_function(line.text) : detail::defined_name(line.text) == name) return line.offset;
  return code.npos;
}

}  // namespace kvx::inline v0
