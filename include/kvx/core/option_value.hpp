#pragma once

#include <kvx/core/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// Reads `text` as the value of the option `name`. Throws an Error that names the option unless it is a finite number.
inline double number_of(const std::string& name, std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw Error(name, "expected a number, found '" + std::string(text) + "'");
  return value;
}

/// The largest whole number that an option can have, unless it has a limit of its own.
inline constexpr double kMaxWhole = 1e15;

/// Like number_of(), for a whole number from `minimum` to `maximum`.
inline std::size_t whole_of(const std::string& name, const std::string& text, std::size_t minimum,
                            double maximum = kMaxWhole) {
  const double value = number_of(name, text);
  if (!(value >= static_cast<double>(minimum) && value <= maximum) || value != std::floor(value))
    throw Error(name, "expected a whole number " +
                          (maximum < kMaxWhole ? "from " + std::to_string(minimum) + " to " +
                                                     std::to_string(static_cast<std::size_t>(maximum))
                                               : "of at least " + std::to_string(minimum)) +
                          ", found " + text);
  return static_cast<std::size_t>(value);
}

/// Like number_of(), for `true` or `false`.
inline bool flag_of(const std::string& name, const std::string& text) {
  if (text != "true" && text != "false") throw Error(name, "expected true or false, found " + text);
  return text == "true";
}

/// The words of a list that is written with commas. `all` means every word, and gives an empty list.
inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; text != "all" && begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string_view word = text.substr(begin, end - begin);
    word.remove_prefix(std::min(word.find_first_not_of(" \t"), word.size()));
    words.emplace_back(word.substr(0, word.find_last_not_of(" \t") + 1));
    begin = end + 1;
  }
  return words;
}

/// The value of an option as text, in the form that read_option() reads.
template <class Value>
std::string option_text(const Value& value) {
  if constexpr (std::same_as<Value, std::string>) {
    return value;
  } else if constexpr (std::same_as<Value, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<Value>) {
    std::array<char, 32> text;
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
  } else {
    std::string words;
    for (const std::string& word : value) words.append(words.empty() ? "" : ",").append(word);
    return words.empty() ? "all" : words;
  }
}

/// Reads `text` as the value of the option `name`: a string, true or false, a number, a whole number from `minimum`
/// to `maximum`, or words with commas. Throws Error, naming the option, for any other text.
template <class Value>
void read_option(const std::string& name, const std::string& text, Value& value, std::size_t minimum = 0,
                 double maximum = kMaxWhole) {
  if constexpr (std::same_as<Value, std::string>)
    value = text;
  else if constexpr (std::same_as<Value, bool>)
    value = flag_of(name, text);
  else if constexpr (std::floating_point<Value>)
    value = number_of(name, text);
  else if constexpr (std::integral<Value>)
    value = static_cast<Value>(
        whole_of(name, text, minimum, std::min(maximum, static_cast<double>(std::numeric_limits<Value>::max()))));
  else
    value = words_of(text);
}

}  // namespace kvx::inline v0
