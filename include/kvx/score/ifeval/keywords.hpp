#pragma once

#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/text/code_points.hpp>
#include <kvx/text/python/python_case.hpp>
#include <kvx/text/python/python_regex.hpp>
#include <kvx/text/python/python_words.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The instructions keywords:*. A keyword is a regular expression.
namespace kvx::inline v0::detail {

using Keywords = std::shared_ptr<std::vector<PythonRegex>>;  // shared, because a std::function is copied

inline Keywords keyword_patterns(const std::vector<std::string>& patterns, const std::string& where) {
  auto keywords = std::make_shared<std::vector<PythonRegex>>();
  for (const std::string& pattern : patterns) keywords->emplace_back(pattern, PythonRegex::case_insensitive, where);
  return keywords;
}

inline FollowsInstruction keyword_existence(const InstructionParameters& parameters) {
  return [keywords =
              keyword_patterns(parameters.texts("keywords"), parameters.where("keywords"))](const AnswerText& answer) {
    return std::all_of(keywords->begin(), keywords->end(),
                       [&](const PythonRegex& keyword) { return keyword.found_in(answer.utf8); });
  };
}

inline FollowsInstruction keyword_frequency(const InstructionParameters& parameters) {
  const std::string keyword = utf8_of(python_strip(code_points(parameters.text("keyword"))));
  return [keywords = keyword_patterns({keyword}, parameters.where("keyword")),
          threshold = parameters.threshold("frequency", "relation")](const AnswerText& answer) {
    return threshold.holds(keywords->front().count(answer.utf8));
  };
}

inline FollowsInstruction forbidden_words(const InstructionParameters& parameters) {
  std::vector<std::string> words = parameters.texts("forbidden_words");
  for (std::string& word : words) word = "\\b" + word + "\\b";
  return [keywords = keyword_patterns(words, parameters.where("forbidden_words"))](const AnswerText& answer) {
    return std::none_of(keywords->begin(), keywords->end(),
                        [&](const PythonRegex& keyword) { return keyword.found_in(answer.utf8); });
  };
}

/// If IFEval's `letter` is not a letter (keys 1122 and 1129 have `#` and `!`), its own checker counts a random letter.
/// This one counts the character that the prompt asks for.
inline FollowsInstruction letter_frequency(const InstructionParameters& parameters) {
  const std::u32string letter = code_points(parameters.text("letter"));
  if (letter.size() != 1) parameters.fail("letter", "one character", std::to_string(letter.size()));
  return [letter = python_lower(letter).front(),
          threshold = parameters.threshold("let_frequency", "let_relation")](const AnswerText& answer) {
    const std::u32string text = python_lower(answer.characters);
    return threshold.holds(static_cast<std::size_t>(std::count(text.begin(), text.end(), letter)));
  };
}

}  // namespace kvx::inline v0::detail
