#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvx::inline v0::detail {

/// A Jinja template reduced to what it prints and does: blanks that print nothing, trim marks and quotes go, and so do
/// `+`, `.` and brackets, so that message['role'] and message.role look the same. \n in a string becomes a line end.
inline std::string reduce_template(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  std::string out;
  bool inside = false;  // of a tag
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view two = text.substr(i, 2);
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && two.size() == 2) {
        out += two == "\\n" ? '\n' : two[1];
        ++i;
      } else {
        out += c;
      }
    } else if (inside) {
      if (c == '\'' || c == '"') {
        quote = c;
      } else if (two == "}}" || two == "%}") {
        out += two;
        ++i;
        inside = false;
      } else if (kBlank.find(c) == kBlank.npos && std::string_view("-+.[]").find(c) == kBlank.npos) {
        out += c;
      }
    } else if (two == "{{" || two == "{%") {
      out += two;
      ++i;
      inside = true;
    } else if (kBlank.find(c) != kBlank.npos) {
      const std::size_t end = std::min(text.find_first_not_of(kBlank, i), text.size());
      const std::string_view next = text.substr(end, 3);
      const bool prints = !next.empty() && next != "{{-" && next != "{%-" && !out.ends_with("%}");
      if (prints) out += text.substr(i, end - i);
      i = end - 1;
    } else {
      out += c;
    }
  }
  return out;
}

/// The text between the first `before` and the next `after`.
inline std::optional<std::string> between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == text.npos) return std::nullopt;
  const std::size_t begin = at + before.size(), end = text.find(after, begin);
  if (end == text.npos) return std::nullopt;
  return std::string(text.substr(begin, end - begin));
}

}  // namespace kvx::inline v0::detail
