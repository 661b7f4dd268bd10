#pragma once

#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/text/code_points.hpp>
#include <kvx/text/python/python_case.hpp>
#include <kvx/text/python/python_regex.hpp>
#include <kvx/text/python/python_words.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// The instructions detectable_content:*.
namespace kvx::inline v0::detail {

/// The number of `[...]` within lines.
inline std::size_t count_placeholders(std::u32string_view text) {
  std::size_t count = 0;
  for (std::size_t pos = text.find(U'['); pos != text.npos; pos = text.find(U'[', pos)) {
    pos = text.find_first_of(U"]\n", pos);
    if (pos == text.npos) break;
    count += text[pos] == U']';
  }
  return count;
}

inline FollowsInstruction number_placeholders(const InstructionParameters& parameters) {
  return [count = parameters.count("num_placeholders")](const AnswerText& answer) {
    return count_placeholders(answer.characters) >= count;
  };
}

/// A marker is a regular expression in lower case, except `P.S.` and `P.P.S`, which may contain blanks.
inline FollowsInstruction postscript(const InstructionParameters& parameters) {
  const std::u32string marker(python_strip(code_points(parameters.text("postscript_marker"))));
  const std::string pattern = marker == U"P.P.S"  ? "p\\.\\s?p\\.\\s?s"
                              : marker == U"P.S." ? "p\\.\\s?s\\."
                                                  : utf8_of(python_lower(marker));
  return [regex = std::make_shared<PythonRegex>("(?m)" + pattern, PythonRegex::case_sensitive,
                                                parameters.where("postscript_marker"))](const AnswerText& answer) {
    return regex->found_in(utf8_of(python_lower(answer.characters)));
  };
}

}  // namespace kvx::inline v0::detail
