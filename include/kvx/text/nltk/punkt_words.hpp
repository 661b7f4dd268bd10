#pragma once

#include <kvx/text/python/python_character.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

// How Punkt cuts a text into words; NLTK 3.10's characters.
namespace kvx::inline v0::detail {

inline constexpr std::u32string_view kSentenceEnds = U".?!";

/// What ends a word, and may follow the character that ends a sentence.
inline bool is_punkt_closing(char32_t c) {
  constexpr std::u32string_view kClosing = U")\";}]*:@'({[\u2018\u2019\u201C\u201D\u00AB\u00BB?!";
  return kClosing.find(c) != kClosing.npos;
}

/// The length of dashes, periods or periods with blanks between them (`. . .`) that stand together at `at`; 0 for none.
inline std::size_t punctuation_run(std::u32string_view line, std::size_t at) {
  const std::u32string_view text = line.substr(at);
  for (const char32_t c : {U'-', U'.'}) {
    const std::size_t run = std::min(text.find_first_not_of(c), text.size());
    if (run >= 2) return run;
  }
  std::size_t last = 0;  // of the periods
  while (last + 2 < text.size() && text[last] == U'.' && is_python_space(text[last + 1]) && text[last + 2] == U'.')
    last += 2;
  return last >= 4 ? last + 1 : 0;
}

/// Whether punctuation_run() is not 0, without a look at all that stands there.
inline bool begins_run(std::u32string_view line, std::size_t at) {
  return punctuation_run(line.substr(0, at + 5), at) != 0;
}

/// The words of one line, punctuation among them; a period stays with the word that it ends.
inline std::vector<std::u32string_view> punkt_words(std::u32string_view line) {
  constexpr std::u32string_view kNoBeginning = U"(\"`{[:;&#*@)}]-,";
  const auto ends_word = [&](std::size_t at) {
    return at == line.size() || is_python_space(line[at]) || is_punkt_closing(line[at]) || begins_run(line, at);
  };
  std::vector<std::u32string_view> words;
  for (std::size_t at = 0; at < line.size();) {
    if (is_python_space(line[at])) {
      ++at;
      continue;
    }
    std::size_t end = at + punctuation_run(line, at);
    if (end == at) {
      end = at + 1;
      if (kNoBeginning.find(line[at]) == kNoBeginning.npos)
        while (!ends_word(end) && !(line[end] == U',' && ends_word(end + 1))) ++end;
    }
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace kvx::inline v0::detail
