#pragma once

#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/length_constraints.hpp>
#include <kvx/text/code_points.hpp>
#include <kvx/text/python/is_python_json.hpp>
#include <kvx/text/python/python_character.hpp>
#include <kvx/text/python/python_regex.hpp>
#include <kvx/text/python/python_words.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

// The instructions detectable_format:*.
namespace kvx::inline v0::detail {

/// The number of lines that begin with `mark`. White space before it may include blank lines. A `*` before another does
/// not count; if a `*` ends its line, the next line belongs to the same bullet.
inline std::size_t count_bullets(std::u32string_view text, char32_t mark) {
  std::size_t count = 0;
  for (std::size_t line = 0; line <= text.size();) {
    std::size_t pos = line;
    while (pos < text.size() && is_python_space(text[pos])) ++pos;
    if (pos == text.size()) break;
    std::size_t end = pos;
    if (text[pos] == mark && (mark != U'*' || (pos + 1 < text.size() && text[pos + 1] != U'*'))) {
      ++count;
      end = mark == U'*' ? pos + 2 : pos + 1;
    }
    end = text.find(U'\n', end);
    if (end == text.npos) break;
    line = end + 1;
  }
  return count;
}

inline FollowsInstruction number_bullet_lists(const InstructionParameters& parameters) {
  return [count = parameters.count("num_bullets")](const AnswerText& answer) {
    return count_bullets(answer.characters, U'*') + count_bullets(answer.characters, U'-') == count;
  };
}

/// The number of texts within a line between two of `mark` that have no asterisks and are not blank.
inline std::size_t count_highlights(std::u32string_view text, std::u32string_view mark) {
  std::size_t count = 0;
  for (std::size_t pos = text.find(mark); pos != text.npos;) {
    const std::size_t begin = pos + mark.size(), end = std::min(text.find_first_of(U"*\n", begin), text.size());
    const bool closed = text.substr(end).starts_with(mark);
    count += closed && !is_blank(text.substr(begin, end - begin));
    pos = text.find(mark, closed ? end + mark.size() : pos + 1);
  }
  return count;
}

inline FollowsInstruction number_highlighted_sections(const InstructionParameters& parameters) {
  return [count = parameters.count("num_highlights")](const AnswerText& answer) {
    return count_highlights(answer.characters, U"*") + count_highlights(answer.characters, U"**") >= count;
  };
}

inline FollowsInstruction multiple_sections(const InstructionParameters& parameters) {
  const std::string splitter = utf8_of(python_strip(code_points(parameters.text("section_spliter"))));
  return [regex = std::make_shared<PythonRegex>("\\s?" + splitter + "\\s?\\d+\\s?", PythonRegex::case_sensitive,
                                                parameters.where("section_spliter")),
          count = parameters.count("num_sections")](const AnswerText& answer) {
    return regex->count(answer.utf8) >= count;
  };
}

/// A line with `<<...>>` that contains more than angle brackets and white space.
inline FollowsInstruction title() {
  return [](const AnswerText& answer) {
    for (const std::u32string_view line : split_at(answer.characters, U"\n")) {
      const std::size_t begin = line.find(U"<<"), end = line.rfind(U">>");
      if (begin == line.npos || end == line.npos || end < begin + 3) continue;
      std::u32string_view words = line.substr(begin, end + 2 - begin);
      words.remove_prefix(std::min(words.find_first_not_of(U'<'), words.size()));
      words = words.substr(0, words.find_last_not_of(U'>') + 1);
      if (!is_blank(words)) return true;
    }
    return false;
  };
}

inline FollowsInstruction constrained_response() {
  return [](const AnswerText& answer) {
    constexpr std::string_view kResponses[] = {"My answer is yes.", "My answer is no.", "My answer is maybe."};
    return std::any_of(std::begin(kResponses), std::end(kResponses),
                       [&](std::string_view response) { return answer.utf8.find(response) != answer.utf8.npos; });
  };
}

/// JSON that Python's json.loads accepts, with or without a fence.
inline FollowsInstruction json_format() {
  return [](const AnswerText& answer) {
    std::u32string_view text = python_strip(answer.characters);
    for (const std::u32string_view fence : {U"```json", U"```Json", U"```JSON", U"```"})
      if (text.starts_with(fence)) text.remove_prefix(fence.size());
    if (text.ends_with(U"```")) text.remove_suffix(3);
    return is_python_json(utf8_of(python_strip(text)));
  };
}

}  // namespace kvx::inline v0::detail
