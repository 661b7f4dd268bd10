#pragma once

#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/resources.hpp>
#include <kvx/text/code_points.hpp>
#include <kvx/text/python/python_case.hpp>
#include <kvx/text/python/python_words.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// The instructions length_constraints:*.
namespace kvx::inline v0::detail {

/// The texts between the separators, which do not overlap.
inline std::vector<std::u32string_view> split_at(std::u32string_view text, std::u32string_view separator) {
  std::vector<std::u32string_view> parts;
  for (;;) {
    const std::size_t pos = text.find(separator);
    parts.push_back(text.substr(0, pos));
    if (pos == text.npos) return parts;
    text.remove_prefix(pos + separator.size());
  }
}

inline bool is_blank(std::u32string_view text) { return python_strip(text).empty(); }

inline FollowsInstruction number_sentences(const InstructionParameters& parameters,
                                           const InstructionResources& resources) {
  return [&punkt = resources.punkt(), threshold = parameters.threshold("num_sentences", "relation")](
             const AnswerText& answer) { return threshold.holds(punkt.sentences(answer.characters).size()); };
}

inline FollowsInstruction number_words(const InstructionParameters& parameters) {
  return [threshold = parameters.threshold("num_words", "relation")](const AnswerText& answer) {
    return threshold.holds(python_words(answer.characters).size());
  };
}

/// Paragraphs are separated by `***`. Only the first and the last may be blank; then they do not count.
inline FollowsInstruction number_paragraphs(const InstructionParameters& parameters) {
  return [count = parameters.count("num_paragraphs")](const AnswerText& answer) {
    const auto paragraphs = split_at(answer.characters, U"***");
    for (std::size_t i = 1; i + 1 < paragraphs.size(); ++i)
      if (is_blank(paragraphs[i])) return false;
    const bool no_first = is_blank(paragraphs.front());
    const bool no_last = paragraphs.size() > 1 && is_blank(paragraphs.back());
    return paragraphs.size() - no_first - no_last == count;
  };
}

/// The first word in lower case as IFEval reads it: without quotes before it, and up to a punctuation mark.
inline std::u32string plain_first_word(std::u32string_view paragraph) {
  std::u32string_view word = python_split(paragraph).front();
  for (const char32_t quote : {U'\'', U'"'}) word.remove_prefix(std::min(word.find_first_not_of(quote), word.size()));
  std::u32string plain;
  for (const char32_t c : word.substr(0, word.find_first_of(U".,?!'\"")))
    plain += python_lower(std::u32string_view(&c, 1));  // one by one, so there is no final sigma
  return plain;
}

/// Paragraphs are separated by an empty line. num_paragraphs does not count blank ones, but nth_paragraph does.
inline FollowsInstruction nth_paragraph_first_word(const InstructionParameters& parameters) {
  const std::size_t count = parameters.count("num_paragraphs"), nth = parameters.count("nth_paragraph");
  if (nth == 0 || nth > count)
    parameters.fail("nth_paragraph", "1 to num_paragraphs " + std::to_string(count), std::to_string(nth));
  return [count, nth, first_word = python_lower(code_points(parameters.text("first_word")))](const AnswerText& answer) {
    const auto paragraphs = split_at(answer.characters, U"\n\n");
    const auto blank = static_cast<std::size_t>(std::count_if(paragraphs.begin(), paragraphs.end(), is_blank));
    return paragraphs.size() - blank == count && !is_blank(paragraphs[nth - 1]) &&
           plain_first_word(paragraphs[nth - 1]) == first_word;
  };
}

}  // namespace kvx::inline v0::detail
