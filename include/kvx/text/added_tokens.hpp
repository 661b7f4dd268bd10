#pragma once

#include <kvx/core/token.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// Tokens that are cut out of a text before it is split: the first in the text, of those that begin there the longest.
class AddedTokens {
 public:
  void add(std::string text, Token id) {
    if (text.empty()) return;
    begins_[static_cast<unsigned char>(text[0])] = true;
    lengths_.insert(text.size());
    tokens_.insert_or_assign(std::move(text), id);
  }

  /// Calls on_token(id) for each of these tokens and on_text(piece) for the non-empty text between, in order.
  template <class OnText, class OnToken>
  void split(std::string_view text, OnText&& on_text, OnToken&& on_token) const {
    std::size_t done = 0;
    const auto flush = [&](std::size_t end) {
      if (end > done) on_text(text.substr(done, end - done));
    };
    for (std::size_t at = 0; at < text.size();) {
      const auto* token = begins_[static_cast<unsigned char>(text[at])] ? longest_at(text.substr(at)) : nullptr;
      if (token == nullptr) {
        ++at;
        continue;
      }
      flush(at);
      on_token(token->second);
      done = at += token->first.size();
    }
    flush(text.size());
  }

 private:
  using Tokens = std::map<std::string, Token, std::less<>>;

  const Tokens::value_type* longest_at(std::string_view text) const {
    for (const std::size_t length : lengths_)
      if (const auto found = tokens_.find(text.substr(0, length)); found != tokens_.end()) return &*found;
    return nullptr;
  }

  Tokens tokens_;
  std::set<std::size_t, std::greater<>> lengths_;  // of tokens_
  std::array<bool, 256> begins_{};                 // by first byte of tokens_
};

}  // namespace kvx::inline v0
