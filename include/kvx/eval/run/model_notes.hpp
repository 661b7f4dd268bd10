#pragma once

#include <kvx/core/token.hpp>
#include <kvx/model/config.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A note on the tokens that a tokenizer puts around a plain text; nullopt if there are none.
inline std::optional<std::string> frame_note(const Tokenizer& tokenizer) {
  std::string note;
  const auto add = [&](std::string_view place, const std::vector<Token>& tokens) {
    if (tokens.empty()) return;
    note.append(note.empty() ? "the tokenizer puts" : " and").append(" ");
    for (const Token token : tokens) note += tokenizer.token_text(token);
    note.append(" ").append(place);
  };
  add("before", tokenizer.frame().before);
  add("after", tokenizer.frame().after);
  return note.empty() ? std::nullopt : std::optional(note + " a plain text");
}

/// Notes on a model for the user: layers that presses do not act on, settings of generation_config.json that decoding
/// does not apply (kvpress does not apply them either), variables that the chat template does not read, marks of the
/// template that the tokenizer splits into several tokens, and, with `plain_text` or without a template, the tokens
/// around a plain text.
inline std::vector<std::string> model_notes(const ModelConfig& config, const Tokenizer& tokenizer,
                                            const ChatTemplate& chat, bool plain_text = false) {
  std::vector<std::string> notes;
  if (config.windows() > 0)
    notes.push_back(std::to_string(config.windows()) + " of " + std::to_string(config.layers) +
                    " layers attend only to the last " + std::to_string(config.sliding_window) +
                    " tokens and keep their rows; presses act on the other layers");
  for (const std::string& setting : config.ignored)
    notes.push_back("generation_config.json asks for " + setting + ", which is not applied");
  for (const std::string& variable : chat.unread_variables())
    notes.push_back("the chat template does not read the variable " + variable);
  for (const std::string& mark : chat.marks())
    if (const std::size_t tokens = tokenizer.encode(mark).size(); tokens != 1)
      notes.push_back("the chat template's " + mark + " is not one token of this tokenizer but " +
                      std::to_string(tokens) + ": the model may not know the template");
  if (plain_text || chat.is_none())
    if (auto note = frame_note(tokenizer)) notes.push_back(std::move(*note));
  return notes;
}

}  // namespace kvx::inline v0
