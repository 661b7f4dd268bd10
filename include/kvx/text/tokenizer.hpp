#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/added_tokens.hpp>
#include <kvx/text/bpe.hpp>
#include <kvx/text/nfc.hpp>
#include <kvx/text/post_processor.hpp>
#include <kvx/text/pre_tokenizer.hpp>
#include <kvx/text/tokenizer_files.hpp>
#include <kvx/text/utf8.hpp>
#include <kvx/text/vocabulary.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace kvx::inline v0 {

/// A byte-level BPE tokenizer, read from a tokenizer.json. Converts text to ids and back like the tokenizers library,
/// but ignores the file's settings for truncation and padding.
class Tokenizer {
 public:
  /// Reads MODEL_DIR/tokenizer.json and the tokens that other files of the directory add. Throws Error if it is
  /// missing, malformed or of another kind.
  static Tokenizer load(const std::string& model_dir) {
    const auto file = JsonDocument::load(model_dir + "/tokenizer.json");
    return Tokenizer(file.root(), TokenizerFiles(model_dir).extra_tokens());
  }

  explicit Tokenizer(const JsonValue& file, std::span<const ExtraToken> extra = {})
      : vocabulary_(read_vocabulary(file.at("model"))),
        bpe_(file.at("model"), vocabulary_),
        pre_tokenizer_(file.at("pre_tokenizer")) {
    if (const auto normalizer = file.find("normalizer")) read_normalizer(*normalizer);
    expect_type(file.at("decoder"), "ByteLevel");
    if (const auto post = file.find("post_processor")) frame_ = read_post_processor(*post);
    if (const auto added = file.find("added_tokens")) added->each_element([&](const JsonValue& token) { add(token); });
    for (const ExtraToken& token : extra)
      if (!added_.contains(token.content)) add(token);
  }

  /// The tokens that transformers puts around a plain text, one that is not a chat.
  const TextFrame& frame() const { return frame_; }

  /// The ids of a plain text with the tokens of frame() around it. Throws Error unless it is UTF-8.
  std::vector<Token> encode_framed(std::string_view text) const {
    std::vector<Token> ids = frame_.before;
    for (const std::vector<Token>& part : {encode(text), frame_.after}) ids.insert(ids.end(), part.begin(), part.end());
    return ids;
  }

  /// The ids of `text`, without the tokens of frame(). Added tokens in the text are recognized. Throws Error unless it
  /// is UTF-8.
  std::vector<Token> encode(std::string_view text) const {
    check_utf8(text, "text to encode");
    std::vector<Token> ids;
    const auto on_token = [&](Token id) { ids.push_back(id); };
    const auto on_piece = [&](std::string_view piece) { bpe_.encode(piece, ids); };
    const auto on_text = [&](std::string_view part) { pre_tokenizer_.split(part, on_piece); };
    verbatim_.split(
        text, [&](std::string_view part) { normalized_.split(normalize(part), on_text, on_token); }, on_token);
    return ids;
  }

  /// The index in `ids`, the ids of `text`, of the first token that begins at byte `byte` of the text or later. Assumes
  /// that the vocabulary has tokens for the whole text.
  std::size_t token_at(std::string_view text, std::size_t byte, std::span<const Token> ids) const {
    const std::size_t target = normalize(text.substr(0, byte)).size();
    std::size_t index = 0;
    for (std::size_t begin = 0; index < ids.size() && begin < target; ++index) begin += token_bytes(ids[index]).size();
    return index;
  }

  /// The text of `ids`, with U+FFFD for bytes that are not UTF-8. Unknown ids add nothing.
  std::string decode(std::span<const Token> ids, bool skip_special = false) const {
    std::string bytes;
    for (const Token id : ids)
      if (!skip_special || !is_special(id)) bytes += token_bytes(id);
    std::string text = take_utf8(bytes);
    if (!bytes.empty()) text += "\uFFFD";
    return text;
  }

  /// The id of a token as the file writes it, such as "<|im_end|>".
  std::optional<Token> token_id(std::string_view written) const { return vocabulary_.find(written); }
  /// The bytes of one token, which may be a part of a character; empty for an unknown id.
  std::string_view token_bytes(Token id) const { return vocabulary_.bytes(id); }
  bool is_special(Token id) const { return special_.contains(id); }
  /// One more than the highest id. A model may have more rows of embeddings.
  std::size_t vocab_size() const { return vocabulary_.size(); }

 private:
  static void expect_type(const JsonValue& value, std::string_view type) {
    const auto found = value.at("type");
    if (found.string() != type) found.fail(std::string(type) + " (a byte-level BPE tokenizer)");
  }

  static Vocabulary read_vocabulary(const JsonValue& model) {
    expect_type(model, "BPE");
    Vocabulary vocabulary;
    model.at("vocab").each_member(
        [&](std::string_view token, const JsonValue& id) { vocabulary.add(token, id.integer(), id.where()); });
    return vocabulary;
  }

  void read_normalizer(const JsonValue& value) {
    if (value.at("type").string() == "Sequence") {
      value.at("normalizers").each_element([&](const JsonValue& step) { read_normalizer(step); });
    } else {
      expect_type(value, "NFC");
      nfc_ = true;
    }
  }

  void add(const JsonValue& token) {
    for (const char* name : {"single_word", "lstrip", "rstrip"})
      if (const auto value = token.find(name); value && value->boolean()) value->fail("false");
    add({std::string(token.at("content").string()),
         token.at("normalized").boolean(),
         token.at("special").boolean(),
         {},
         token.where()});
  }
  void add(const ExtraToken& token) {
    const Token id = vocabulary_.add_extra(token.content, token.where);
    if (token.id && *token.id != id)
      throw Error(token.where, "expected the id " + std::to_string(id) + " for token " +
                                   detail::shortened(token.content, 60) +
                                   ", the next one after tokenizer.json's, found " + std::to_string(*token.id));
    added_.insert(token.content);
    if (token.special) special_.insert(id);
    if (token.normalized)
      normalized_.add(normalize(token.content), id);
    else
      verbatim_.add(token.content, id);
  }

  std::string normalize(std::string_view text) const { return nfc_ ? nfc(text) : std::string(text); }

  Vocabulary vocabulary_;
  Bpe bpe_;
  PreTokenizer pre_tokenizer_;
  TextFrame frame_;
  bool nfc_ = false;
  AddedTokens verbatim_, normalized_;         // searched in the original text, and in the normalized text
  std::set<std::string, std::less<>> added_;  // the texts of both
  std::unordered_set<Token> special_;
};

}  // namespace kvx::inline v0
