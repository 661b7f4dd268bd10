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

/// Finds added tokens in a text before the text is split into pieces: always the first one, and of several that begin
/// at the same place the longest.
class AddedTokens {
 public:
  void add(std::string text, Token id) {
    if (text.empty()) return;
    begins_[static_cast<unsigned char>(text[0])] = true;
    lengths_.insert(text.size());
    tokens_.insert_or_assign(std::move(text), id);
  }

  /// Calls on_token(id) for each added token and on_text(piece) for each non-empty text between them, in order.
  template <class OnText, class OnToken>
  void split(std::string_view text, OnText&& on_text, OnToken&& on_token) const {
    std::size_t flushed = 0;
    const auto flush = [&](std::size_t end) {
      if (end > flushed) on_text(text.substr(flushed, end - flushed));
    };
    for (std::size_t pos = 0; pos < text.size();) {
      const auto* token = begins_[static_cast<unsigned char>(text[pos])] ? longest_token(text.substr(pos)) : nullptr;
      if (token == nullptr) {
        ++pos;
        continue;
      }
      flush(pos);
      on_token(token->second);
      flushed = pos += token->first.size();
    }
    flush(text.size());
  }

 private:
  using Tokens = std::map<std::string, Token, std::less<>>;

  const Tokens::value_type* longest_token(std::string_view text) const {
    for (const std::size_t length : lengths_)
      if (const auto found = tokens_.find(text.substr(0, length)); found != tokens_.end()) return &*found;
    return nullptr;
  }

  Tokens tokens_;
  std::set<std::size_t, std::greater<>> lengths_;  // the lengths of the tokens
  std::array<bool, 256> begins_{};                 // whether a token begins with a byte
};

}  // namespace kvx::inline v0
