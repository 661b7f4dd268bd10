#pragma once

#include <kvx/core/error.hpp>

#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The parts of a press's written form: name(press, ..., parameter=value, ...), or press+name(parameter=value, ...).
/// The views refer to the parsed text.
struct WrittenPress {
  std::string_view text, name;                                                ///< the whole form, and the name in it
  std::vector<std::string_view> inner = {};                                   ///< the presses that it wraps
  std::vector<std::pair<std::string_view, std::string_view>> arguments = {};  ///< parameters and values
  /// Parameters and values that a name of kvpress stands for; arguments come after them.
  std::vector<std::pair<std::string_view, std::string_view>> defaults = {};
};

namespace detail {
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}
}  // namespace detail

/// Splits `text` at each `separator` that is not inside parentheses or brackets.
inline std::vector<std::string_view> split_presses(std::string_view text, char separator = ',') {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '[') ++depth;
    if (text[i] == ')' || text[i] == ']') --depth;
    if (text[i] == separator && depth == 0) {
      parts.push_back(detail::trim(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  parts.push_back(detail::trim(text.substr(begin)));
  return parts;
}

/// The form in which names are compared: lower case, without `_` and without a final "press".
inline std::string canonical_press_name(std::string_view name) {
  std::string canonical;
  for (const char c : name)
    if (c != '_') canonical.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  if (canonical.ends_with("press")) canonical.resize(canonical.size() - 5);
  return canonical;
}

/// Parses a written form. Throws Error unless it is `name`, `name(press, ..., parameter=value, ...)`, or one of these
/// after a press and a `+`.
inline WrittenPress parse_written(std::string_view text) {
  const auto fail = [&](std::string_view what) {
    throw Error("press '" + std::string(text) + "'",
                "expected name, name(parameter=value, ...) or name(press, ...), found " + std::string(what));
  };
  const std::string_view last = split_presses(text, '+').back();
  WrittenPress written{detail::trim(text), detail::trim(last.substr(0, last.find('(')))};
  if (const auto before = static_cast<std::size_t>(last.data() - text.data()); before > 0 && last != written.text)
    written.inner.push_back(detail::trim(text.substr(0, text.rfind('+', before))));
  if (written.name.empty()) fail("no name");
  if (written.name.find_first_of("),= ") != std::string_view::npos)
    fail("'" + std::string(written.name) + "' as a name");
  std::string_view rest = last.substr(written.name.size());
  rest = detail::trim(rest);
  if (rest.empty()) return written;
  if (rest.back() != ')') fail("no closing parenthesis at the end");
  rest = detail::trim(rest.substr(1, rest.size() - 2));
  if (rest.empty()) return written;
  for (const auto argument : split_presses(rest)) {
    const auto equals = argument.find_first_of("=(");
    if (equals == std::string_view::npos || argument[equals] == '(') {
      if (argument.empty() || !written.arguments.empty()) fail("'" + std::string(argument) + "' without '='");
      written.inner.push_back(argument);
      continue;
    }
    written.arguments.emplace_back(detail::trim(argument.substr(0, equals)), detail::trim(argument.substr(equals + 1)));
  }
  return written;
}

}  // namespace kvx::inline v0
