#pragma once

#include <kvx/text/code_points.hpp>
#include <kvx/text/python/python_words.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// An answer for the checkers of instructions: its code points, and the same as UTF-8.
struct AnswerText {
  explicit AnswerText(std::u32string text) : characters(std::move(text)), utf8(utf8_of(characters)) {}

  std::u32string characters;
  std::string utf8;

  /// Whether there is only white space. Such an answer does not follow any instruction.
  bool is_blank() const { return python_strip(characters).empty(); }
};

/// The texts that IFEval checks besides the answer for its loose verdict: the answer without its first line, its last
/// line or both, and then the answer and these three without asterisks.
inline std::vector<AnswerText> loose_variants(const AnswerText& answer) {
  const std::u32string_view text = answer.characters;
  const std::size_t first_end = text.find(U'\n'), last_begin = text.rfind(U'\n');
  const bool lines = first_end != text.npos;
  const std::u32string_view without_first = lines ? text.substr(first_end + 1) : std::u32string_view();
  const std::u32string_view without_last = lines ? text.substr(0, last_begin) : std::u32string_view();
  const std::u32string_view without_both =
      lines && first_end < last_begin ? text.substr(first_end + 1, last_begin - first_end - 1) : std::u32string_view();
  std::vector<AnswerText> variants;
  for (const std::u32string_view part : {without_first, without_last, without_both})
    variants.emplace_back(std::u32string(python_strip(part)));
  for (const std::u32string_view part :
       {text, python_strip(without_first), python_strip(without_last), python_strip(without_both)}) {
    std::u32string plain(part);
    std::erase(plain, U'*');
    variants.emplace_back(std::move(plain));
  }
  return variants;
}

}  // namespace kvx::inline v0
