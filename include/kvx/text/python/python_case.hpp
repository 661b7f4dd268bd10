#pragma once

#include <kvx/text/python/python_character.hpp>

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

inline bool is_title(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_LT; }

/// Unicode's Case_Ignorable: whether `c` may be within a word without ending it.
inline bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view kMidWord =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  if (kMidWord.find(c) != kMidWord.npos) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK;
}

/// Whether the sigma at `pos` ends a word, so that it is ς in lower case.
inline bool is_final_sigma(std::u32string_view text, std::size_t pos) {
  const auto is_cased = [](char32_t c) { return is_python_upper(c) || is_python_lower(c) || is_title(c); };
  const auto before = text.substr(0, pos), after = text.substr(pos + 1);
  const auto left = std::find_if_not(before.rbegin(), before.rend(), is_case_ignorable);
  const auto right = std::find_if_not(after.begin(), after.end(), is_case_ignorable);
  return left != before.rend() && is_cased(*left) && (right == after.end() || !is_cased(*right));
}

}  // namespace detail

/// str.lower: `İ` becomes two characters, and a sigma at the end of a word becomes ς.
inline std::u32string python_lower(std::u32string_view text) {
  std::u32string lower;
  lower.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == U'\u0130') {
      lower += U"i\u0307";
    } else if (text[i] == U'\u03A3') {
      lower += detail::is_final_sigma(text, i) ? U'\u03C2' : U'\u03C3';
    } else {
      lower += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(text[i])));
    }
  }
  return lower;
}

/// str.isupper: at least one character is in upper case, and none in lower or title case.
inline bool is_python_upper(std::u32string_view text) {
  return std::any_of(text.begin(), text.end(), [](char32_t c) { return is_python_upper(c); }) &&
         std::none_of(text.begin(), text.end(), [](char32_t c) { return is_python_lower(c) || detail::is_title(c); });
}

/// str.islower: at least one character is in lower case, and none in upper or title case.
inline bool is_python_lower(std::u32string_view text) {
  return std::any_of(text.begin(), text.end(), [](char32_t c) { return is_python_lower(c); }) &&
         std::none_of(text.begin(), text.end(), [](char32_t c) { return is_python_upper(c) || detail::is_title(c); });
}

}  // namespace kvx::inline v0
