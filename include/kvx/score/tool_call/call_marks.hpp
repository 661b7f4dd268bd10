#pragma once

#include <kvx/score/tool_call/tool_forms.hpp>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The marks of `forms` that a tokenizer may have as special tokens. Calls cannot be read from a text without them.
inline std::vector<std::string_view> call_marks(const ToolForms& forms) {
  static constexpr std::array<std::pair<ToolForms::Form, std::string_view>, 40> kMarks = {{
      {ToolForms::hermes, "<tool_call>"},
      {ToolForms::hermes, "</tool_call>"},
      {ToolForms::llama3, "<|python_tag|>"},
      {ToolForms::pythonic, "<|python_start|>"},
      {ToolForms::pythonic, "<|python_end|>"},
      {ToolForms::pythonic, "<|tool_call_start|>"},
      {ToolForms::pythonic, "<|tool_call_end|>"},
      {ToolForms::mistral, "[TOOL_CALLS]"},
      {ToolForms::mistral, "[CALL_ID]"},
      {ToolForms::mistral, "[ARGS]"},
      {ToolForms::phi, "<|tool_call|>"},
      {ToolForms::phi, "<|/tool_call|>"},
      {ToolForms::granite, "<|tool_call|>"},
      {ToolForms::granite, "<tool_call>"},
      {ToolForms::granite, "</tool_call>"},
      {ToolForms::harmony, "<|start|>"},
      {ToolForms::harmony, "<|channel|>"},
      {ToolForms::harmony, "<|constrain|>"},
      {ToolForms::harmony, "<|message|>"},
      {ToolForms::harmony, "<|call|>"},
      {ToolForms::harmony, "<|end|>"},
      {ToolForms::command_r7b, "<|START_ACTION|>"},
      {ToolForms::command_r7b, "<|END_ACTION|>"},
      {ToolForms::deepseek, "<｜tool▁call▁begin｜>"},
      {ToolForms::deepseek, "<｜tool▁call▁end｜>"},
      {ToolForms::deepseek, "<｜tool▁sep｜>"},
      {ToolForms::xml, "<tool_call>"},
      {ToolForms::xml, "</tool_call>"},
      {ToolForms::glm, "<tool_call>"},
      {ToolForms::glm, "</tool_call>"},
      {ToolForms::glm, "<arg_key>"},
      {ToolForms::glm, "</arg_key>"},
      {ToolForms::glm, "<arg_value>"},
      {ToolForms::glm, "</arg_value>"},
      {ToolForms::kimi, "<|tool_call_begin|>"},
      {ToolForms::kimi, "<|tool_call_argument_begin|>"},
      {ToolForms::kimi, "<|tool_call_end|>"},
      {ToolForms::gemma4, "<|tool_call>"},
      {ToolForms::gemma4, "<tool_call|>"},
      {ToolForms::gemma4, "<|\"|>"},
  }};
  std::vector<std::string_view> marks;
  for (const auto& [form, mark] : kMarks)
    if (forms.has(form)) marks.push_back(mark);
  return marks;
}

}  // namespace kvx::inline v0
