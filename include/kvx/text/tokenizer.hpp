#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/added_tokens.hpp>
#include <kvx/text/bpe.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/normalizer.hpp>
#include <kvx/text/post_processor.hpp>
#include <kvx/text/pre_tokenizer.hpp>
#include <kvx/text/token_decoder.hpp>
#include <kvx/text/tokenizer_files.hpp>
#include <kvx/text/utf8.hpp>
#include <kvx/text/vocabulary.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A BPE tokenizer, read from a tokenizer.json: over bytes as in GPT-2, Llama 3 and Qwen, or over characters with byte
/// fallback as in Llama 2, Mistral and Gemma. Converts text to ids and back like the tokenizers library, but ignores
/// the file's settings for truncation and padding.
class Tokenizer {
 public:
  /// Reads MODEL_DIR/tokenizer.json, and from the other files of the directory further tokens and add_bos_token and
  /// add_eos_token. Throws Error if tokenizer.json is missing, or if a file is malformed or of another kind.
  static Tokenizer load(const std::string& model_dir) {
    const auto file = JsonDocument::load(model_dir + "/tokenizer.json");
    const TokenizerFiles files(model_dir);
    Tokenizer tokenizer(file.root(), files.extra_tokens());
    tokenizer.read_frame(files);
    return tokenizer;
  }

  /// `file` is a tokenizer.json; the tokens `extra` follow those of the file. Throws Error for parts that are not
  /// implemented.
  explicit Tokenizer(const JsonValue& file, std::span<const ExtraToken> extra = {})
      : vocabulary_(read_vocabulary(file.at("model"))),
        bpe_(file.at("model"), vocabulary_),
        decoder_(file.at("decoder")) {
    detail::check_fields(file, {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                                "post_processor", "decoder", "model"});
    if (const auto normalizer = file.find("normalizer")) normalizer_ = Normalizer(*normalizer);
    if (const auto splits = file.find("pre_tokenizer")) pre_tokenizer_ = PreTokenizer(*splits);
    if (const auto post = file.find("post_processor")) frame_ = read_post_processor(*post);
    std::vector<ExtraToken> added;
    if (const auto tokens = file.find("added_tokens"))
      tokens->each_element([&](const JsonValue& token) { added.push_back(read_added_token(token)); });
    added.insert(added.end(), extra.begin(), extra.end());
    add(added);
    for (const std::vector<Token>& part : {frame_.before, frame_.after})
      for (const Token id : part)
        if (token_text(id).empty())
          throw Error(file.at("post_processor").where(),
                      "expected tokens of the vocabulary, found the id " + std::to_string(id));
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
    split(
        text, [&](std::string_view piece) { bpe_.encode(piece, vocabulary_, ids); },
        [&](Token id) { ids.push_back(id); });
    return ids;
  }

  /// The index in `ids`, the ids of `text`, of the first token that begins at byte `byte` of the text or later. Assumes
  /// that the vocabulary has tokens for the whole text.
  std::size_t token_at(std::string_view text, std::size_t byte, std::span<const Token> ids) const {
    const auto written_bytes = [&](Token id) { return bpe_.is_byte(id) ? 1 : token_text(id).size(); };
    std::size_t target = 0;
    split(
        text.substr(0, byte), [&](std::string_view piece) { target += piece.size(); },
        [&](Token id) { target += token_text(id).size(); });
    std::size_t index = 0;
    for (std::size_t begin = 0; index < ids.size() && begin < target; ++index) begin += written_bytes(ids[index]);
    return index;
  }

  /// The text of `ids`, with U+FFFD for bytes that are not UTF-8. Unknown ids add nothing.
  std::string decode(std::span<const Token> ids, bool skip_special = false) const {
    TokenDecoder::Stream stream(decoder_);
    std::string text;
    for (const Token id : ids)
      if (const auto token = token_text(id); !token.empty() && !(skip_special && is_special(id)))
        text += stream.next(token);
    return text += stream.finish();
  }
  /// The file's decoder; StreamDecoder uses it.
  const TokenDecoder& decoder() const { return decoder_; }

  /// The id of a token as the file writes it, such as "<|im_end|>".
  std::optional<Token> token_id(std::string_view written) const { return vocabulary_.find(written); }
  /// A token as the file writes it; empty for an unknown id.
  std::string_view token_text(Token id) const { return vocabulary_.written(id); }
  bool is_special(Token id) const { return special_.contains(id); }
  /// One more than the highest id. A model may have more rows of embeddings.
  std::size_t vocab_size() const { return vocabulary_.size(); }

 private:
  static Vocabulary read_vocabulary(const JsonValue& model) {
    const auto type = model.find("type");  // missing in older files, in which only BPE has merges
    if (type && type->string() != "BPE") type->fail("BPE");
    if (!type && !model.find("merges")) (void)model.at("type");  // throws: it is missing
    Vocabulary vocabulary;
    model.at("vocab").each_member(
        [&](std::string_view token, const JsonValue& id) { vocabulary.add(token, id.integer(), id.where()); });
    return vocabulary;
  }

  /// Calls on_piece(piece) for each piece of `text` that BPE encodes and on_token(id) for each added token, in order.
  template <class OnPiece, class OnToken>
  void split(std::string_view text, OnPiece&& on_piece, OnToken&& on_token) const {
    verbatim_.split(
        text,
        [&](std::string_view part) {
          const NormalizedText normalized = normalizer_(part);
          const bool is_start = part.data() == text.data() && normalized.has_start;
          normalized_.split(
              normalized.text,
              [&](std::string_view between) {
                pre_tokenizer_.split(between, is_start && between.data() == normalized.text.data(), on_piece);
              },
              on_token);
        },
        on_token);
  }

  /// Where tokenizer_config.json states add_bos_token or add_eos_token, these decide instead of the post-processor.
  void read_frame(const TokenizerFiles& files) {
    const auto bos = files.setting("add_bos_token"), eos = files.setting("add_eos_token");
    if (!bos && !eos) return;
    const auto ids = [&](bool is_added, std::string_view name) {
      const auto text = is_added ? files.named_token(name) : std::nullopt;
      const auto id = text ? vocabulary_.find(*text) : std::nullopt;
      return id ? std::vector{*id} : std::vector<Token>();
    };
    frame_ = {ids(bos.value_or(false), "bos_token"), ids(eos.value_or(false), "eos_token")};
  }

  static ExtraToken read_added_token(const JsonValue& token) {
    detail::check_fields(token, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    for (const char* name : {"normalized", "special"}) (void)token.at(name);  // throws if it is missing
    return ExtraToken::read(token, false);
  }

  /// Adds tokens; of several with the same text, only the first one. If normalization makes the texts of two tokens
  /// equal, the special one is found.
  void add(std::span<const ExtraToken> tokens) {
    std::set<std::string, std::less<>> texts;
    std::vector<std::pair<const ExtraToken*, Token>> added;
    for (const ExtraToken& token : tokens) {
      if (!texts.insert(token.content).second) continue;
      const Token id = vocabulary_.add_extra(token.content, token.where);
      if (token.id && *token.id != id)
        throw Error(token.where, "expected the id " + std::to_string(id) + " for token " +
                                     detail::shortened(token.content, 60) +
                                     ", the next one after tokenizer.json's, found " + std::to_string(*token.id));
      if (token.special) special_.insert(id);
      added.emplace_back(&token, id);
    }
    std::ranges::stable_partition(added, [](const auto& one) { return one.first->special; });
    for (const auto& [token, id] : added) {
      const std::string text = token->normalized ? normalizer_(token->content).text : token->content;
      if (text.empty()) throw Error(token->where, "expected a text that is not empty after normalization");
      (token->normalized ? normalized_ : verbatim_).add(text, id, token->rules);
    }
  }

  Vocabulary vocabulary_;
  Bpe bpe_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  TokenDecoder decoder_;
  TextFrame frame_;
  AddedTokens verbatim_, normalized_;  // searched in the original text, and in the normalized text
  std::unordered_set<Token> special_;
};

}  // namespace kvx::inline v0
