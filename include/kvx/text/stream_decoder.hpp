#pragma once

#include <kvx/core/token.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/text/utf8.hpp>

#include <string>
#include <utility>

namespace kvx::inline v0 {

/// Decodes token by token: the texts that next() and finish() return, joined, are the text that Tokenizer::decode()
/// returns. The tokenizer must outlive this object.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = false)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  /// The text that is certain after one more token. A character whose end is still missing is held back.
  std::string next(Token id) {
    if (!skip_special_ || !tokenizer_->is_special(id)) pending_ += tokenizer_->token_bytes(id);
    return take_utf8(pending_);
  }

  /// Ends the text: U+FFFD if a character is incomplete, otherwise nothing. Afterward a new text may begin.
  std::string finish() { return std::exchange(pending_, {}).empty() ? "" : "\uFFFD"; }

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;
};

}  // namespace kvx::inline v0
