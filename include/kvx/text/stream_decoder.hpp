#pragma once

#include <kvx/core/token.hpp>
#include <kvx/text/token_decoder.hpp>
#include <kvx/text/tokenizer.hpp>

#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// Decodes token by token: the texts that next() and finish() return, joined, are the text that Tokenizer::decode()
/// returns. The tokenizer must outlive this object.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = false)
      : tokenizer_(&tokenizer), stream_(tokenizer.decoder()), skip_special_(skip_special) {}

  /// The text that is certain after one more token. What a later token may change is held back, such as a character
  /// whose end is missing.
  std::string next(Token id) {
    const std::string_view token = tokenizer_->token_text(id);
    return token.empty() || (skip_special_ && tokenizer_->is_special(id)) ? "" : stream_.next(token);
  }

  /// Ends the text: returns what was held back, with U+FFFD for an incomplete character. Afterward a new text may
  /// begin.
  std::string finish() { return stream_.finish(); }

 private:
  const Tokenizer* tokenizer_;
  TokenDecoder::Stream stream_;
  bool skip_special_;
};

}  // namespace kvx::inline v0
