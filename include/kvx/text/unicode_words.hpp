#pragma once

#include <kvx/text/code_points.hpp>
#include <kvx/text/nfc.hpp>
#include <kvx/text/python/python_character.hpp>

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

using CodePointRange = std::pair<char32_t, char32_t>;

/// Scripts that are written without blanks between words: Thai, Lao, Tibetan, Burmese, Khmer, Han and kana.
inline bool is_without_blanks(char32_t c) {
  constexpr CodePointRange kScripts[] = {{0xE00, 0xFFF},    {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x2E80, 0x2FDF},
                                         {0x3005, 0x3007},  {0x3021, 0x3029}, {0x3041, 0x30FF}, {0x31F0, 0x31FF},
                                         {0x3400, 0x4DBF},  {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0xFF66, 0xFF9F},
                                         {0x20000, 0x323AF}};
  return c >= kScripts[0].first && in_ranges(c, kScripts);
}

inline bool is_latin_letter(char32_t c) {
  constexpr CodePointRange kBlocks[] = {{0x41, 0x5A},     {0x61, 0x7A},     {0xAA, 0xAA},     {0xBA, 0xBA},
                                        {0xC0, 0x24F},    {0x1E00, 0x1EFF}, {0x2C60, 0x2C7F}, {0xA720, 0xA7FF},
                                        {0xAB30, 0xAB6F}, {0xFB00, 0xFB06}, {0xFF21, 0xFF3A}, {0xFF41, 0xFF5A}};
  return in_ranges(c, kBlocks) && is_python_word(c);
}

}  // namespace detail

/// The words of a text in any script, in lower case: runs of letters, marks and digits. In a script that is written
/// without blanks between words, each letter with the marks after it is a word. These are the rules of UAX #29 that do
/// not need a dictionary.
inline std::vector<std::string> unicode_words(std::string_view text) {
  std::vector<std::u32string> words;
  bool inside = false, one_letter = false;  // inside a word; the word is one letter of a script without blanks
  for (const char32_t c : code_points(nfc(utf8_of(code_points(text))))) {
    const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    const bool mark = category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
    if (!mark) {
      const bool letter = is_python_word(c) && c != U'_', without_blanks = detail::is_without_blanks(c);
      if (letter && (!inside || without_blanks || one_letter)) words.emplace_back();
      inside = letter;
      one_letter = without_blanks;
    }
    if (inside) words.back() += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  }
  std::vector<std::string> result;
  for (const std::u32string& word : words) result.push_back(utf8_of(word));
  return result;
}

/// Whether most words of a text are in the Latin script, or no word is in another script.
inline bool is_latin_text(std::string_view text) {
  std::size_t latin = 0, other = 0;
  for (const std::string& word : unicode_words(text)) {
    const std::u32string letters = code_points(word);
    latin += std::any_of(letters.begin(), letters.end(), detail::is_latin_letter);
    other += std::any_of(letters.begin(), letters.end(), [](char32_t c) {
      const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
      return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO && !detail::is_latin_letter(c);
    });
  }
  return latin >= other;
}

}  // namespace kvx::inline v0
