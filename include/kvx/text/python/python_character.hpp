#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <iterator>
#include <utility>

// Python's classes of characters. The results of scorers that are written in Python depend on them.
namespace kvx::inline v0 {

/// str.isspace: Unicode's white space and four control characters.
inline bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// `\d` of the module re: a decimal digit of any script.
inline bool is_python_digit(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
}

/// `\w` of the module re: a letter, a number of any kind (`²`) or `_`. Combining marks, such as the vowel signs of
/// Indic scripts, are not word characters.
inline bool is_python_word(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return c == U'_' || (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

namespace detail {

inline bool in_ranges(char32_t c, const auto& ranges) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const auto& range) { return c >= range.first && c <= range.second; });
}

}  // namespace detail

/// str.isupper of one character.
inline bool is_python_upper(char32_t c) {
  if (utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_LU) return true;
  constexpr std::pair<char32_t, char32_t> kOthers[] = {// Unicode's Other_Uppercase
                                                       {0x2160, 0x216F},
                                                       {0x24B6, 0x24CF},
                                                       {0x1F130, 0x1F149},
                                                       {0x1F150, 0x1F169},
                                                       {0x1F170, 0x1F189}};
  return c >= kOthers[0].first && detail::in_ranges(c, kOthers);
}

/// str.islower of one character.
inline bool is_python_lower(char32_t c) {
  if (utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_LL) return true;
  constexpr std::pair<char32_t, char32_t> kOthers[] = {
      // Unicode's Other_Lowercase
      {0xAA, 0xAA},       {0xBA, 0xBA},       {0x2B0, 0x2B8},     {0x2C0, 0x2C1},    {0x2E0, 0x2E4},
      {0x345, 0x345},     {0x37A, 0x37A},     {0x1D2C, 0x1D6A},   {0x1D78, 0x1D78},  {0x1D9B, 0x1DBF},
      {0x2071, 0x2071},   {0x207F, 0x207F},   {0x2090, 0x209C},   {0x2170, 0x217F},  {0x24D0, 0x24E9},
      {0x2C7C, 0x2C7D},   {0xA69C, 0xA69D},   {0xA770, 0xA770},   {0xA7F8, 0xA7F9},  {0xAB5C, 0xAB5F},
      {0x10780, 0x10780}, {0x10783, 0x10785}, {0x10787, 0x107B0}, {0x107B2, 0x107BA}};
  return c >= kOthers[0].first && detail::in_ranges(c, kOthers);
}

}  // namespace kvx::inline v0
