#pragma once

#include <kvx/score/judged_text.hpp>
#include <kvx/score/thought_marks.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <optional>
#include <string>
#include <vector>

#include "cli/bound_options.hpp"

namespace kvx_eval {

/// How answers are read: none where the model or the records decide.
struct ReadingOptions {
  std::optional<std::vector<kvx::ThoughtMarks>> thoughts;
  std::optional<kvx::ToolForms> tool_forms;
};

inline void add_reading_options(kvx_cli::BoundOptions& options, ReadingOptions& reading) {
  options.add_function(
      "think", "",
      "OPEN,CLOSE: marks of thoughts, besides <think>,</think> and those of the chat template; for grade, "
      "instead of those in the records",
      [&reading](const std::string& text) {
        if (!text.empty()) reading.thoughts = std::vector{kvx::parse_thought_marks(text)};
      });
  options.add_function(
      "tool-format", "",
      "forms of calls to accept besides kvx's own, joined by +: tool_calls, function, function_call, parameters, "
      "string, missing, or a family such as hermes, llama3 or mistral (docs/templates.md); plain: none; auto: the "
      "first six; default: as the chat template asks for; for grade, as the records say",
      [&reading](const std::string& text) {
        if (!text.empty()) reading.tool_forms = kvx::ToolForms::parse(text);
      });
}

}  // namespace kvx_eval
