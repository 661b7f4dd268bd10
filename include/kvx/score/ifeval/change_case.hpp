#pragma once

#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/resources.hpp>
#include <kvx/text/python/python_case.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

// The instructions change_case:* and language:*.
namespace kvx::inline v0::detail {

inline FollowsInstruction capital_word_frequency(const InstructionParameters& parameters,
                                                 const InstructionResources& resources) {
  return [&punkt = resources.punkt(), &tokenizer = resources.word_tokenizer(),
          threshold = parameters.threshold("capital_frequency", "capital_relation")](const AnswerText& answer) {
    const auto words = tokenizer.words(punkt, answer.characters);
    return threshold.holds(static_cast<std::size_t>(
        std::count_if(words.begin(), words.end(), [](const std::u32string& word) { return is_python_upper(word); })));
  };
}

/// Whether an answer is in a language. An answer whose language cannot be detected counts as being in any.
inline bool is_in_language(const LanguageDetector& languages, const AnswerText& answer, std::string_view code) {
  return languages.language_of(answer.characters).value_or(std::string(code)) == code;
}

inline FollowsInstruction english_capital(const InstructionResources& resources) {
  return [&languages = resources.languages()](const AnswerText& answer) {
    return is_python_upper(std::u32string_view(answer.characters)) && is_in_language(languages, answer, "en");
  };
}

inline FollowsInstruction english_lowercase(const InstructionResources& resources) {
  return [&languages = resources.languages()](const AnswerText& answer) {
    return is_python_lower(std::u32string_view(answer.characters)) && is_in_language(languages, answer, "en");
  };
}

inline FollowsInstruction response_language(const InstructionParameters& parameters,
                                            const InstructionResources& resources) {
  return [&languages = resources.languages(), code = parameters.text("language")](const AnswerText& answer) {
    return is_in_language(languages, answer, code);
  };
}

}  // namespace kvx::inline v0::detail
