#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/model/repeat_context.hpp>
#include <kvx/text/chat_split.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The text between the content of a user's message and the answer.
inline std::string answer_opening(const ChatTemplate& chat, std::string_view system = "") {
  return split_chat(chat, system, "Hi", "", "").question;
}

/// The prompt that asks a chat model to repeat its context. The words are kvpress's, because KVzip's scores depend on
/// them.
inline RepeatPrompt repeat_prompt(const Tokenizer& tokenizer, const ChatTemplate& chat, std::string_view system = "") {
  const std::string head = split_chat(chat, system, "", "Hi", "").context, opening = answer_opening(chat, system);
  const std::size_t frame = chat.is_none() ? tokenizer.frame().before.size() : 0;
  return {tokenizer.encode("\n\nRepeat the previous context exactly."),
          tokenizer.encode("\n\nRepeat the part of the previous context exactly, starting with"),
          tokenizer.encode(opening.empty() ? "\n" : opening),
          static_cast<Index>(frame + tokenizer.encode(head).size())};
}

}  // namespace kvx::inline v0
