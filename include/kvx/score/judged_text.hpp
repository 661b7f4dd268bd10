#pragma once

#include <kvx/score/special_tokens.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// How to turn predictions into answers.
struct AnswerReading {
  std::vector<ThoughtMarks> thoughts = {{}};  ///< marks around thoughts, which are not part of an answer
  ToolForms tool_forms = {};                  ///< other engines' forms that are accepted as calls
  std::string opened = {};  ///< the mark of the thought that the prompt has opened, so that the answer continues it

  /// A reading with the default marks, `thoughts` and `tool_forms`. With the form harmony, the marks of gpt-oss'
  /// analysis are added, since their closing mark would otherwise count as the end of the answer.
  static AnswerReading with(const std::vector<ThoughtMarks>& thoughts, ToolForms tool_forms) {
    AnswerReading reading;
    reading.thoughts.insert(reading.thoughts.end(), thoughts.begin(), thoughts.end());
    const ThoughtMarks analysis{"<|channel|>analysis<|message|>", "<|end|>"};
    if (tool_forms.has(ToolForms::harmony) && std::ranges::find(thoughts, analysis) == thoughts.end())
      reading.thoughts.push_back(analysis);
    reading.tool_forms = std::move(tool_forms);
    return reading;
  }
};

/// The text that a task grades.
struct JudgedText {
  std::string text;
  bool unfinished = false;  ///< whether a thought did not end, so that there is no answer and the text is empty
};

/// The opening mark of the thought that `prompt` leaves open, since some templates begin a thought for the answer;
/// empty if there is none.
inline std::string opened_thought(std::string_view prompt, std::span<const ThoughtMarks> thoughts) {
  for (const ThoughtMarks& marks : thoughts) {
    const std::size_t open = prompt.rfind(marks.open);
    if (open != prompt.npos && prompt.find(marks.close, open) == prompt.npos) return marks.open;
  }
  return "";
}

namespace detail {

/// A text without the thoughts between two marks; nullopt if a thought does not end. In a text with only closing marks,
/// the thought begins with the text, and the answer follows the last mark. Line ends between a thought and the answer
/// are removed, too.
inline std::optional<std::string> without_thoughts(std::string_view text, const ThoughtMarks& marks) {
  constexpr std::string_view kBlanks = " \t\r\n", kLineEnds = "\r\n";
  std::string answer;
  std::size_t pos = 0;
  for (std::size_t start; (start = text.find(marks.open, pos)) != text.npos;) {
    const std::size_t end = text.find(marks.close, start + marks.open.size());
    if (end == text.npos) return std::nullopt;
    answer.append(text.substr(pos, start - pos));
    pos = end + marks.close.size();
    if (answer.find_first_not_of(kBlanks) == answer.npos)
      pos = std::min(text.find_first_not_of(kLineEnds, pos), text.size());
  }
  answer.append(text.substr(pos));
  if (const std::size_t last = answer.rfind(marks.close); last != answer.npos)
    answer.erase(0, std::min(answer.find_first_not_of(kLineEnds, last + marks.close.size()), answer.size()));
  return answer;
}

}  // namespace detail

/// The answer of a model that predicted `predicted` after `prefix`: both texts joined, without the special tokens
/// around the prediction and without thoughts.
inline JudgedText judged_text(std::string_view prefix, std::string_view predicted,
                              std::span<const ThoughtMarks> thoughts) {
  std::vector<std::string_view> kept;
  for (const ThoughtMarks& marks : thoughts) kept.insert(kept.end(), {marks.open, marks.close});
  std::string text = std::string(prefix).append(detail::without_special_tokens(predicted, kept));
  for (const ThoughtMarks& marks : thoughts) {
    auto answer = detail::without_thoughts(text, marks);
    if (!answer) return {"", true};
    text = std::move(*answer);
  }
  return {std::move(text)};
}

}  // namespace kvx::inline v0
