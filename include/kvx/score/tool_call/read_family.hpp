#pragma once

#include <kvx/score/tool_call/call_pieces.hpp>
#include <kvx/score/tool_call/family_calls.hpp>
#include <kvx/score/tool_call/tagged_calls.hpp>
#include <kvx/score/tool_call/tool_forms.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

/// An answer without blanks and the marks that end an answer or a turn.
inline std::string_view without_end_marks(std::string_view text) {
  constexpr std::array<std::string_view, 16> kMarks = {"<|im_end|>",
                                                       "<|endoftext|>",
                                                       "<|eot_id|>",
                                                       "<|eom_id|>",
                                                       "</s>",
                                                       "<|end|>",
                                                       "<|end_of_text|>",
                                                       "<|call|>",
                                                       "<|return|>",
                                                       "<|END_OF_TURN_TOKEN|>",
                                                       "<｜end▁of▁sentence｜>",
                                                       "<SPECIAL_12>",
                                                       "<turn|>",
                                                       "<|user|>",
                                                       "<|observation|>",
                                                       "<|tool_response>"};
  for (bool found = true; found;) {
    text = stripped(text);
    found = false;
    for (const std::string_view mark : kMarks)
      if (text.ends_with(mark)) text.remove_suffix(mark.size()), found = true;
  }
  return text;
}

}  // namespace detail

/// The calls of an answer in the form of one family of models. Thoughts must have been removed, and special tokens
/// kept. Where the form does not show the types of values, a parameter for which is_text() is true stays a text.
inline FamilyCalls read_family(
    ToolForms::Form family, std::string_view answer,
    const IsTextParameter& is_text = [](std::string_view, std::string_view) { return false; }) {
  const std::string_view text = detail::without_end_marks(answer);
  switch (family) {
    case ToolForms::hermes:
      return detail::hermes_calls(text);
    case ToolForms::llama3:
      return detail::llama3_calls(text);
    case ToolForms::pythonic:
      return detail::pythonic_calls(text);
    case ToolForms::mistral:
      return detail::mistral_calls(text);
    case ToolForms::phi:
      return detail::phi_calls(text);
    case ToolForms::granite:
      return detail::granite_calls(text);
    case ToolForms::functionary_v3_1:
      return detail::functionary_v3_1_calls(text);
    case ToolForms::functionary_v3_2:
      return detail::functionary_v3_2_calls(text);
    case ToolForms::harmony:
      return detail::harmony_calls(text);
    case ToolForms::command_r:
      return detail::command_r_calls(text);
    case ToolForms::command_r7b:
      return detail::command_r7b_calls(text);
    case ToolForms::deepseek:
      return detail::deepseek_calls(text);
    case ToolForms::xml:
      return detail::xml_calls(text, is_text);
    case ToolForms::glm:
      return detail::glm_calls(text, is_text);
    case ToolForms::kimi:
      return detail::kimi_calls(text);
    case ToolForms::nemotron:
      return detail::nemotron_calls(text);
    case ToolForms::gemma4:
      return detail::gemma4_calls(text);
    case ToolForms::json:
      return detail::json_calls(text);
    default:
      return {};
  }
}

}  // namespace kvx::inline v0
