#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/byte_alphabet.hpp>
#include <kvx/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Byte pair encoding: each step joins the pair of neighbors with the lowest rank in a piece, of equal pairs the first
/// one. At the beginning, each byte is a symbol.
class Bpe {
 public:
  /// Reads the merges of a tokenizer.json's model; `vocabulary` holds its vocab. Throws Error for options that are not
  /// implemented and for merges that name unknown tokens.
  Bpe(const JsonValue& model, const Vocabulary& vocabulary) {
    for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (const auto value = model.find(name); value && !value->string().empty()) value->fail("null or \"\"");
    for (const char* name : {"byte_fallback", "ignore_merges"})
      if (const auto value = model.find(name); value && value->boolean()) value->fail("false");
    if (const auto dropout = model.find("dropout"); dropout && dropout->number() != 0) dropout->fail("null");
    for (std::size_t b = 0; b < bytes_.size(); ++b)
      bytes_[b] = vocabulary.find(byte_level_character(static_cast<unsigned char>(b))).value_or(kNone);
    // If the vocabulary has all bytes, unk_token is never used. Otherwise it must be null: kvx drops the other bytes.
    if (const auto unknown = model.find("unk_token"); unknown && std::ranges::count(bytes_, kNone) > 0)
      unknown->fail("null, because the vocabulary lacks some bytes");
    const auto merges = model.at("merges");
    merges_.reserve(merges.array().size());
    merges.each_element([&](const JsonValue& merge) { add(merge, vocabulary); });
  }

  /// Appends the tokens of one piece, without the bytes that the vocabulary lacks. Takes O(n log n) time for n bytes.
  void encode(std::string_view piece, std::vector<Token>& out) const {
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
    symbols.reserve(piece.size());
    for (const char c : piece)
      if (const Token id = bytes_[static_cast<unsigned char>(c)]; id != kNone)
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

 private:
  static constexpr Token kNone = -1;
  struct Merge {
    std::size_t rank;
    Token id;
  };

  static std::uint64_t key(Token left, Token right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
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
      if (const auto id = vocabulary.find(written)) return *id;
      return throw_unknown(merge, written);
    };
    const std::uint64_t pair = key(token(parts[0]), token(parts[1]));
    merges_.insert_or_assign(pair, Merge{rank_++, token(std::string(parts[0]).append(parts[1]))});
  }
  [[noreturn]] static Token throw_unknown(const JsonValue& merge, std::string_view written) {
    throw Error(merge.where(), "expected tokens of the vocabulary, found \"" + detail::shortened(written, 60) + "\"");
  }

  std::array<Token, 256> bytes_{};
  std::unordered_map<std::uint64_t, Merge> merges_;
  std::size_t rank_ = 0;
};

}  // namespace kvx::inline v0
