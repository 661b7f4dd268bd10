#pragma once

#include <kvx/core/token.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/text/utf8.hpp>

#include <string>
#include <utility>

namespace kvx::inline v0 {

/// Decodes token by token: the parts that next() and finish() return make up what decode() returns. The tokenizer must
/// outlive it.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = false)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  /// What is certain after one more token; a character whose end is still missing is held back.
  std::string next(Token id) {
    if (!skip_special_ || !tokenizer_->is_special(id)) pending_ += tokenizer_->token_bytes(id);
    return take_utf8(pending_);
  }

  /// U+FFFD for a character that never ended; then a new text may begin.
  std::string finish() { return std::exchange(pending_, {}).empty() ? "" : "\uFFFD"; }

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;
};

}  // namespace kvx::inline v0
