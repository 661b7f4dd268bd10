#pragma once

#include <kvx/text/python/python_character.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

// Splits text into words for Punkt, with the characters of NLTK 3.10.
namespace kvx::inline v0::detail {

inline constexpr std::u32string_view kSentenceEnds = U".?!";

/// Whether `c` ends a word and may follow the character that ends a sentence.
inline bool is_punkt_closing(char32_t c) {
  constexpr std::u32string_view kClosing = U")\";}]*:@'({[\u2018\u2019\u201C\u201D\u00AB\u00BB?!";
  return kClosing.find(c) != kClosing.npos;
}

/// The length of a run of dashes, of periods, or of periods with blanks between them (`. . .`) at `pos`; 0 without one.
inline std::size_t punctuation_run(std::u32string_view line, std::size_t pos) {
  const std::u32string_view text = line.substr(pos);
  for (const char32_t c : {U'-', U'.'}) {
    const std::size_t run = std::min(text.find_first_not_of(c), text.size());
    if (run >= 2) return run;
  }
  std::size_t last = 0;  // the last period
  while (last + 2 < text.size() && text[last] == U'.' && is_python_space(text[last + 1]) && text[last + 2] == U'.')
    last += 2;
  return last >= 4 ? last + 1 : 0;
}

/// Whether a run begins at `pos`. Does not read the whole run.
inline bool begins_run(std::u32string_view line, std::size_t pos) {
  return punctuation_run(line.substr(0, pos + 5), pos) != 0;
}

/// The words of one line. Punctuation is words, too, but a period stays with the word that it ends.
inline std::vector<std::u32string_view> punkt_words(std::u32string_view line) {
  constexpr std::u32string_view kNoBeginning = U"(\"`{[:;&#*@)}]-,";
  const auto ends_word = [&](std::size_t pos) {
    return pos == line.size() || is_python_space(line[pos]) || is_punkt_closing(line[pos]) || begins_run(line, pos);
  };
  std::vector<std::u32string_view> words;
  for (std::size_t pos = 0; pos < line.size();) {
    if (is_python_space(line[pos])) {
      ++pos;
      continue;
    }
    std::size_t end = pos + punctuation_run(line, pos);
    if (end == pos) {
      end = pos + 1;
      if (kNoBeginning.find(line[pos]) == kNoBeginning.npos)
        while (!ends_word(end) && !(line[end] == U',' && ends_word(end + 1))) ++end;
    }
    words.push_back(line.substr(pos, end - pos));
    pos = end;
  }
  return words;
}

}  // namespace kvx::inline v0::detail
