#pragma once

#include <kvx/core/error.hpp>

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The parts of a press's written form: name(parameter=value, ...). The views point into the text.
struct WrittenPress {
  std::string_view text, name;
  std::vector<std::pair<std::string_view, std::string_view>> arguments;
};

namespace detail {
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}
}  // namespace detail

/// Splits `text` at commas, but not at those inside parentheses.
inline std::vector<std::string_view> split_presses(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == ',' && depth == 0) {
      parts.push_back(detail::trim(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  parts.push_back(detail::trim(text.substr(begin)));
  return parts;
}

/// A name as it is compared: lower case, without `_` and without a final "press".
inline std::string canonical_press_name(std::string_view name) {
  std::string canonical;
  for (const char c : name)
    if (c != '_') canonical.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  if (canonical.ends_with("press")) canonical.resize(canonical.size() - 5);
  return canonical;
}

/// Parses a written form. Throws Error where it is not `name` or `name(parameter=value, ...)`.
inline WrittenPress parse_written(std::string_view text) {
  const auto fail = [&](std::string_view what) {
    throw Error("press '" + std::string(text) + "'",
                "expected name or name(parameter=value, ...), found " + std::string(what));
  };
  WrittenPress written{detail::trim(text), detail::trim(text.substr(0, text.find('('))), {}};
  if (written.name.empty()) fail("no name");
  if (written.name.find_first_of("),=+ ") != std::string_view::npos)
    fail("'" + std::string(written.name) + "' as a name");
  std::string_view rest = written.text.substr(written.name.size());
  rest = detail::trim(rest);
  if (rest.empty()) return written;
  if (rest.back() != ')') fail("no closing parenthesis at the end");
  rest = detail::trim(rest.substr(1, rest.size() - 2));
  if (rest.empty()) return written;
  for (const auto argument : split_presses(rest)) {
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos) fail("'" + std::string(argument) + "' without '='");
    written.arguments.emplace_back(detail::trim(argument.substr(0, equals)), detail::trim(argument.substr(equals + 1)));
  }
  return written;
}

}  // namespace kvx::inline v0
