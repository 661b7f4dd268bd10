#pragma once

#include <kvx/core/token.hpp>
#include <kvx/io/regex.hpp>
#include <kvx/text/utf8.hpp>
#include <kvx/text/white_space.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The settings of an added token, with their names in tokenizer.json.
struct AddedTokenRules {
  bool single_word = false;  ///< whether it is not found inside a longer word
  bool lstrip = false;       ///< whether the white space before it belongs to it
  bool rstrip = false;       ///< whether the white space after it belongs to it
};

/// Finds added tokens in a text before the text is split into pieces: always the first one, and of several that begin
/// at the same place the longest.
class AddedTokens {
 public:
  /// Of two tokens with the same text, the first one that is added is found.
  void add(std::string_view text, Token id, const AddedTokenRules& rules = {}) {
    if (text.empty()) return;
    std::size_t at = 0;
    for (const char c : text) {
      const auto [child, is_new] = nodes_[at].children.try_emplace(c, nodes_.size());
      at = child->second;
      if (is_new) nodes_.emplace_back();
    }
    if (!nodes_[at].token) nodes_[at].token = Found{id, text.size(), rules};
    if (rules.single_word && !word_) word_.emplace("[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]", "\\w");
  }

  /// Calls on_token(id) for each added token and on_text(piece) for each non-empty text between them, in order.
  template <class OnText, class OnToken>
  void split(std::string_view text, OnText&& on_text, OnToken&& on_token) const {
    std::size_t flushed = 0;
    const auto flush = [&](std::size_t end) {
      if (end > flushed) on_text(text.substr(flushed, end - flushed));
    };
    for (std::size_t pos = 0; pos < text.size();) {
      const Found* token = longest_token(text.substr(pos));
      if (token == nullptr) {
        ++pos;
        continue;
      }
      std::size_t begin = pos, end = pos += token->bytes;
      if (token->rules.single_word && is_in_word(text.substr(0, begin), text.substr(end))) continue;
      if (token->rules.lstrip) begin = std::max(flushed, begin - trailing_white_space(text.substr(0, begin)));
      if (token->rules.rstrip) end += leading_white_space(text.substr(end));
      flush(begin);
      on_token(token->id);
      flushed = end;
    }
    flush(text.size());
  }

 private:
  struct Found {
    Token id;
    std::size_t bytes;
    AddedTokenRules rules;
  };
  struct Node {
    std::map<char, std::size_t> children = {};  // by the next byte
    std::optional<Found> token = {};            // that ends here
  };

  const Found* longest_token(std::string_view text) const {
    const Found* longest = nullptr;
    std::size_t at = 0;
    for (const char c : text) {
      const auto child = nodes_[at].children.find(c);
      if (child == nodes_[at].children.end()) break;
      at = child->second;
      if (nodes_[at].token) longest = &*nodes_[at].token;
    }
    return longest;
  }

  bool is_in_word(std::string_view before, std::string_view after) const {
    std::size_t last = before.empty() ? 0 : before.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(before[last]) & 0xC0) == 0x80) --last;
    return (!before.empty() && word_->found_in(before.substr(last))) ||
           (!after.empty() && word_->found_in(after.substr(0, utf8_step(after).bytes)));
  }

  std::vector<Node> nodes_ = {Node{}};  // a tree of the bytes of all tokens
  std::optional<Regex> word_;           // a character of a word, if a token asks for it
};

}  // namespace kvx::inline v0
