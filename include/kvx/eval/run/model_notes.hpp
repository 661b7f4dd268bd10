#pragma once

#include <kvx/model/config.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// Notes on a model for the user: layers that presses do not act on, settings of generation_config.json that decoding
/// does not apply (kvpress does not apply them either), and marks of the chat template that the tokenizer splits into
/// several tokens.
inline std::vector<std::string> model_notes(const ModelConfig& config, const Tokenizer& tokenizer,
                                            const ChatTemplate& chat) {
  std::vector<std::string> notes;
  if (config.windows() > 0)
    notes.push_back(std::to_string(config.windows()) + " of " + std::to_string(config.layers) +
                    " layers attend only to the last " + std::to_string(config.sliding_window) +
                    " tokens and keep their rows; presses act on the other layers");
  for (const std::string& setting : config.ignored)
    notes.push_back("generation_config.json asks for " + setting + ", which is not applied");
  for (const std::string& mark : chat.marks())
    if (const std::size_t tokens = tokenizer.encode(mark).size(); tokens != 1)
      notes.push_back("the chat template's " + mark + " is not one token of this tokenizer but " +
                      std::to_string(tokens) + ": the model may not know the template");
  return notes;
}

}  // namespace kvx::inline v0
