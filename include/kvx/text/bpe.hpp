#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/known_fields.hpp>
#include <kvx/text/utf8.hpp>
#include <kvx/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Byte pair encoding: each step joins the pair of neighbors with the lowest rank in a piece, of equal pairs the first
/// one. At the beginning, each character is a symbol. A character that the vocabulary lacks becomes the tokens of its
/// bytes, <0x00> to <0xFF>, if the model has byte_fallback; otherwise the unknown token, or nothing if there is none.
class Bpe {
 public:
  /// Reads a tokenizer.json's model; `vocabulary` holds its vocab. Throws Error for options that are not implemented
  /// and for merges and an unk_token that name unknown tokens.
  Bpe(const JsonValue& model, const Vocabulary& vocabulary) {
    detail::check_fields(model, {"vocab", "merges", "unk_token", "byte_fallback", "fuse_unk", "ignore_merges",
                                 "continuing_subword_prefix", "end_of_word_suffix", "dropout"});
    for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (const auto value = model.find(name); value && !value->string().empty()) value->fail("null or \"\"");
    if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0) dropout->fail("null");
    const auto flag = [&](const char* name) {
      const auto value = model.find(name);
      return value && value->boolean();
    };
    fuse_unknown_ = flag("fuse_unk");
    ignore_merges_ = flag("ignore_merges");
    if (const auto unknown = model.find("unk_token")) {
      unknown_ = vocabulary.find_in_model(unknown->string()).value_or(kNone);
      if (unknown_ == kNone) unknown->fail("a token of the vocabulary");
    }
    bytes_.fill(kNone);
    if (flag("byte_fallback")) {
      for (std::size_t b = 0; b < bytes_.size(); ++b) {
        std::array<char, 7> name{};
        std::snprintf(name.data(), name.size(), "<0x%02X>", static_cast<unsigned>(b));
        bytes_[b] = vocabulary.find_in_model(name.data()).value_or(kNone);
      }
    }
    const auto merges = model.at("merges");
    merges_.reserve(merges.array().size());
    merges.each_element([&](const JsonValue& merge) { add(merge, vocabulary); });
  }

  /// Appends the tokens of one piece, valid UTF-8. Takes O(n log n) time for n bytes. `vocabulary` is the
  /// constructor's, perhaps with added tokens.
  void encode(std::string_view piece, const Vocabulary& vocabulary, std::vector<Token>& out) const {
    if (ignore_merges_) {
      if (const auto whole = vocabulary.find_in_model(piece)) {
        out.push_back(*whole);
        return;
      }
    }
    const std::vector<Token> first = characters(piece, vocabulary);
    join(first, out);
  }

  /// Whether a token stands for one byte, such as <0x0A>. Always false without byte_fallback.
  bool is_byte(Token id) const { return std::ranges::find(bytes_, id) != bytes_.end(); }

 private:
  static constexpr Token kNone = -1;
  struct Merge {
    std::size_t rank;
    Token id;
  };

  static std::uint64_t key(Token left, Token right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }

  /// The tokens of the characters of a piece.
  std::vector<Token> characters(std::string_view piece, const Vocabulary& vocabulary) const {
    std::vector<Token> tokens;
    tokens.reserve(piece.size());
    bool unknown = false;  // whether an unknown token is due; tokens of bytes do not end a run of unknown characters
    const auto flush_unknown = [&] {
      if (std::exchange(unknown, false)) tokens.push_back(unknown_);
    };
    while (!piece.empty()) {
      const std::string_view character = piece.substr(0, utf8_step(piece).bytes);
      piece.remove_prefix(character.size());
      if (const auto id = vocabulary.find_in_model(character)) {
        flush_unknown();
        tokens.push_back(*id);
      } else if (std::ranges::all_of(character, [&](char c) { return byte_token(c) != kNone; })) {
        for (const char c : character) tokens.push_back(byte_token(c));
      } else if (unknown_ != kNone) {
        if (!fuse_unknown_) flush_unknown();
        unknown = true;
      }
    }
    flush_unknown();
    return tokens;
  }
  Token byte_token(char c) const { return bytes_[static_cast<unsigned char>(c)]; }

  /// Merges neighbors in `tokens` until no merge applies, and appends the result to `out`.
  void join(const std::vector<Token>& tokens, std::vector<Token>& out) const {
    struct Symbol {
      Token id;  // kNone once it is joined to the symbol before
      std::size_t before, after;
    };
    struct Candidate {
      std::size_t rank, pos;
      Token id;
      bool operator>(const Candidate& other) const { return std::tie(rank, pos) > std::tie(other.rank, other.pos); }
    };
    std::vector<Symbol> symbols;
    symbols.reserve(tokens.size());
    for (const Token id : tokens)
      symbols.push_back({id, symbols.size() - 1, symbols.size() + 1});  // the first's `before` wraps around
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    const auto merge_at = [&](std::size_t pos) -> const Merge* {  // of a symbol and the next one, if there is one
      if (pos >= symbols.size() || symbols[pos].after >= symbols.size()) return nullptr;
      const auto found = merges_.find(key(symbols[pos].id, symbols[symbols[pos].after].id));
      return found == merges_.end() ? nullptr : &found->second;
    };
    const auto propose = [&](std::size_t pos) {
      if (const Merge* merge = merge_at(pos)) queue.push({merge->rank, pos, merge->id});
    };
    for (std::size_t pos = 0; pos < symbols.size(); ++pos) propose(pos);
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      Symbol& left = symbols[best.pos];
      const Merge* merge = left.id == kNone ? nullptr : merge_at(best.pos);
      if (merge == nullptr || merge->id != best.id) continue;  // the pair has changed since
      Symbol& right = symbols[left.after];
      left.id = best.id;
      right.id = kNone;
      left.after = right.after;
      if (left.after < symbols.size()) symbols[left.after].before = best.pos;
      propose(left.before);
      propose(best.pos);
    }
    for (const Symbol& symbol : symbols)
      if (symbol.id != kNone) out.push_back(symbol.id);
  }

  /// Adds a merge, which is written "left right" or ["left", "right"].
  void add(const JsonValue& merge, const Vocabulary& vocabulary) {
    std::vector<std::string_view> parts;
    if (merge.is_string()) {
      const std::string_view text = merge.string();
      const std::size_t blank = std::min(text.find(' '), text.size());
      parts = {text.substr(0, blank), text.substr(std::min(blank + 1, text.size()))};
    } else {
      for (const auto part : merge.array()) parts.push_back(JsonValue(part, merge.where()).string());
    }
    if (parts.size() != 2) merge.fail("two tokens");
    const auto token = [&](std::string_view written) {
      if (const auto id = vocabulary.find_in_model(written)) return *id;
      return throw_unknown(merge, written);
    };
    const std::uint64_t pair = key(token(parts[0]), token(parts[1]));
    merges_.insert_or_assign(pair, Merge{rank_++, token(std::string(parts[0]).append(parts[1]))});
  }
  [[noreturn]] static Token throw_unknown(const JsonValue& merge, std::string_view written) {
    throw Error(merge.where(), "expected tokens of the vocabulary, found \"" + detail::shortened(written, 60) + "\"");
  }

  std::array<Token, 256> bytes_{};  // kNone without byte_fallback
  Token unknown_ = kNone;
  bool fuse_unknown_ = false, ignore_merges_ = false;
  std::unordered_map<std::uint64_t, Merge> merges_;
  std::size_t rank_ = 0;
};

}  // namespace kvx::inline v0
