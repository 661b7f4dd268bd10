#pragma once

#include <kvx/core/token_span.hpp>
#include <kvx/press/named/written.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

template <class Names>
std::string one_of(const Names& names) {
  std::string text;
  for (const auto name : names) text.append(text.empty() ? "" : ", ").append(name);
  return "one of " + text;
}

/// The value as parse_value() reads it.
template <class T>
std::string format_value(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::same_as<T, std::string>) {
    return value;
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(names_of(value)[static_cast<std::size_t>(value)]);
  } else if constexpr (std::same_as<T, TokenSpan>) {
    return std::to_string(value.first) + ":" + std::to_string(value.last);
  } else if constexpr (std::same_as<T, NamedSpan>) {
    return value.name.empty() ? format_value(value.tokens) : value.name;
  } else if constexpr (requires(T list) { list.emplace_back(); }) {
    if constexpr (std::same_as<T, std::vector<NamedSpan>>)
      if (value.size() == 1) return format_value(value.front());
    std::string text;
    for (const auto& element : value) text.append(text.empty() ? "" : ", ").append(format_value(element));
    return "[" + text + "]";
  } else if constexpr (requires { value.has_value(); }) {
    return value ? format_value(*value) : "none";
  } else {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
  }
}

/// Parses a text to `value`. Returns false, with any value, if the text is not a value of this type.
template <class T>
bool parse_value(std::string_view text, T& value) {
  if constexpr (std::same_as<T, bool>) {
    value = text == "true" || text == "True" || text == "1";
    return value || text == "false" || text == "False" || text == "0";
  } else if constexpr (std::same_as<T, std::string>) {
    value = unquoted(text);
    return !value.empty();
  } else if constexpr (std::is_enum_v<T>) {
    const auto names = names_of(value);
    const auto found = std::find(names.begin(), names.end(), unquoted(text));
    value = static_cast<T>(found - names.begin());
    return found != names.end();
  } else if constexpr (std::same_as<T, TokenSpan>) {
    const auto colon = text.find(':');
    if (!parse_value(text.substr(0, colon), value.first)) return false;
    value.last = value.first + 1;
    return (colon == text.npos || parse_value(text.substr(colon + 1), value.last)) && 0 <= value.first &&
           value.first < value.last;
  } else if constexpr (std::same_as<T, NamedSpan>) {
    if (parse_value(text, value.tokens)) return true;
    value.name = unquoted(text);
    return is_span_name(value.name);
  } else if constexpr (requires { value.emplace_back(); }) {
    if (text == "[]") return true;
    if (!text.starts_with('[')) return parse_value(text, value.emplace_back());
    if (text.size() < 2 || text.back() != ']') return false;
    for (const auto element : split_presses(text.substr(1, text.size() - 2)))
      if (!parse_value(element, value.emplace_back())) return false;
    return true;
  } else if constexpr (requires { value.has_value(); }) {
    if (text == "none" || text == "None") return value.reset(), true;
    return parse_value(text, value.emplace());
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if constexpr (std::floating_point<T>)
      if (!std::isfinite(value)) return false;
    return error == std::errc() && end == text.data() + text.size();
  }
}

/// The type as error messages call it, after "expected".
template <class T>
std::string type_name() {
  if constexpr (std::same_as<T, bool>)
    return "true or false";
  else if constexpr (std::same_as<T, std::string>)
    return "a text";
  else if constexpr (std::is_enum_v<T>)
    return one_of(names_of(T()));
  else if constexpr (std::same_as<T, TokenSpan>)
    return "first:last (two token numbers), or one token number";
  else if constexpr (std::same_as<T, NamedSpan>)
    return type_name<TokenSpan>() + ", or the name of a span of the prompt";
  else if constexpr (requires(T value) { value.emplace_back(); })
    return "a list in brackets, each " + type_name<typename T::value_type>();
  else if constexpr (requires { typename T::value_type; })
    return type_name<typename T::value_type>() + " or none";
  else
    return std::floating_point<T> ? "a number" : "an integer";
}

/// The functions that format and parse parameter values of one type.
struct ValueType {
  std::string (*format)(const void* value);
  bool (*parse)(std::string_view text, void* value);  // returns false if the text is not a value of the type
  std::string (*name)();
};
template <class T>
inline constexpr ValueType value_type = {
    [](const void* value) { return format_value(*static_cast<const T*>(value)); },
    [](std::string_view text, void* value) { return parse_value(text, *static_cast<T*>(value)); }, &type_name<T>};

}  // namespace detail

}  // namespace kvx::inline v0
