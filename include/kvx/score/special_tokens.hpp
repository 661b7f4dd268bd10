#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace kvx::inline v0::detail {

/// Tokens that end a turn or a document. The text after one is not part of the answer.
inline constexpr std::array<std::string_view, 12> kEndTokens = {
    "<|im_end|>",      "<|endoftext|>",   "<|eot_id|>",
    "<|eom_id|>",      "<|end_of_text|>", "<end_of_turn>",
    "<|end_of_turn|>", "<|endofturn|>",   "<｜end▁of▁sentence｜>",
    "<|end|>",         "<|return|>",      "<|END_OF_TURN_TOKEN|>"};
/// Tokens that begin a text or an answer.
inline constexpr std::array<std::string_view, 6> kStartTokens = {"<|im_start|>assistant\n",
                                                                 "<|begin_of_text|>",
                                                                 "<|start_header_id|>assistant<|end_header_id|>\n\n",
                                                                 "<｜begin▁of▁sentence｜>",
                                                                 "<bos>",
                                                                 "<start_of_turn>model\n"};
/// Tokens that are also HTML tags or words. They are special only at the end of an answer.
inline constexpr std::array<std::string_view, 2> kLastTokens = {"</s>", "<eos>"};

/// Whether a special token ends an answer.
inline bool ends_answer(std::string_view token) {
  return std::ranges::find(kEndTokens, token) != kEndTokens.end() ||
         std::ranges::find(kLastTokens, token) != kLastTokens.end();
}

/// A prediction without the special tokens around it, up to the first token that ends a turn. The tokens in `kept` have
/// another meaning and are not removed.
inline std::string_view without_special_tokens(std::string_view text, std::span<const std::string_view> kept) {
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view token : kStartTokens)
      if (text.starts_with(token)) text.remove_prefix(token.size()), found = true;
  }
  std::size_t end = text.size();
  for (const std::string_view token : kEndTokens)
    if (std::find(kept.begin(), kept.end(), token) == kept.end()) end = std::min(end, text.find(token));
  text = text.substr(0, end);
  for (bool found = true; found;) {
    found = false;
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    const std::string_view content = text.substr(0, last == text.npos ? 0 : last + 1);
    for (const std::string_view token : kLastTokens)
      if (content.ends_with(token)) text = content.substr(0, content.size() - token.size()), found = true;
  }
  return text;
}

}  // namespace kvx::inline v0::detail
