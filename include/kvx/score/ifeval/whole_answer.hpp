#pragma once

#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/length_constraints.hpp>
#include <kvx/text/code_points.hpp>
#include <kvx/text/python/python_case.hpp>
#include <kvx/text/python/python_words.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// The instructions about the answer as a whole: combination:*, startend:* and punctuation:*.
namespace kvx::inline v0::detail {

/// Two answers that differ, with `******` between them.
inline FollowsInstruction two_responses() {
  return [](const AnswerText& answer) {
    const auto parts = split_at(answer.characters, U"******");
    std::vector<std::u32string_view> responses;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::u32string_view response = python_strip(parts[i]);
      if (!response.empty())
        responses.push_back(response);
      else if (i != 0 && i + 1 != parts.size())
        return false;
    }
    return responses.size() == 2 && responses[0] != responses[1];
  };
}

inline FollowsInstruction repeat_prompt(const InstructionParameters& parameters) {
  const std::u32string prompt = code_points(parameters.text("prompt_to_repeat"));
  return [prompt = python_lower(python_strip(prompt))](const AnswerText& answer) {
    return python_lower(python_strip(answer.characters)).starts_with(prompt);
  };
}

inline FollowsInstruction end_checker(const InstructionParameters& parameters) {
  const std::u32string phrase = code_points(parameters.text("end_phrase"));
  return [phrase = python_lower(python_strip(phrase))](const AnswerText& answer) {
    return python_lower(python_strip(python_strip(answer.characters), U"\"")).ends_with(phrase);
  };
}

inline FollowsInstruction quotation() {
  return [](const AnswerText& answer) {
    const std::u32string_view text = python_strip(answer.characters);
    return text.size() > 1 && text.front() == U'"' && text.back() == U'"';
  };
}

inline FollowsInstruction no_comma() {
  return [](const AnswerText& answer) { return answer.characters.find(U',') == std::u32string::npos; };
}

}  // namespace kvx::inline v0::detail
