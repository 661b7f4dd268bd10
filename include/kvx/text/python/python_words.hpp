#pragma once

#include <kvx/text/python/python_character.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// str.strip without an argument.
inline std::u32string_view python_strip(std::u32string_view text) {
  while (!text.empty() && is_python_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_python_space(text.back())) text.remove_suffix(1);
  return text;
}

/// str.strip with an argument, the characters to strip.
inline std::u32string_view python_strip(std::u32string_view text, std::u32string_view characters) {
  const std::size_t first = text.find_first_not_of(characters);
  return first == text.npos ? std::u32string_view() : text.substr(first, text.find_last_not_of(characters) - first + 1);
}

namespace detail {

/// The longest runs of characters for which `holds` returns true.
template <class Holds>
std::vector<std::u32string_view> runs_of(std::u32string_view text, const Holds& holds) {
  std::vector<std::u32string_view> runs;
  for (auto begin = std::find_if(text.begin(), text.end(), holds); begin != text.end();) {
    const auto end = std::find_if_not(begin, text.end(), holds);
    runs.push_back(text.substr(static_cast<std::size_t>(begin - text.begin()), static_cast<std::size_t>(end - begin)));
    begin = std::find_if(end, text.end(), holds);
  }
  return runs;
}

}  // namespace detail

/// str.split without an argument: the texts between white space.
inline std::vector<std::u32string_view> python_split(std::u32string_view text) {
  return detail::runs_of(text, [](char32_t c) { return !is_python_space(c); });
}

/// The matches of `\w+` of the module re.
inline std::vector<std::u32string_view> python_words(std::u32string_view text) {
  return detail::runs_of(text, is_python_word);
}

}  // namespace kvx::inline v0
