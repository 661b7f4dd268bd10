#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kvx::inline v0 {

/// The ids of tokens, and their texts as a tokenizer.json writes them. The model's tokens come first, then added ones.
class Vocabulary {
 public:
  static constexpr std::int64_t kMaxSize = 1 << 20;

  /// Adds a token of the model as a file writes it. Throws Error, naming `where`, for an empty text, an id outside
  /// [0, kMaxSize), and a text or an id that another token has. Adding the same pair again changes nothing.
  void add(std::string_view written, std::int64_t id, std::string_view where) { add_to(ids_, written, id, where); }

  /// Adds a token to those of the model and returns its id: the id that it already has, otherwise the number of tokens
  /// so far. The tokenizers library numbers added tokens in this way, whatever id the file states. If that id belongs
  /// to another token, it decodes to the added one from then on. Throws Error like add().
  Token add_extra(std::string_view written, std::string_view where) {
    if (const auto known = find(written)) return *known;
    const std::size_t id = ids_.size() + added_.size();
    if (id < written_.size()) written_[id].clear();
    add_to(added_, written, static_cast<std::int64_t>(id), where);
    return static_cast<Token>(id);
  }

  /// The id of a token of the model.
  std::optional<Token> find_in_model(std::string_view written) const { return find_in(ids_, written); }
  /// The id of a token of the model or an added one.
  std::optional<Token> find(std::string_view written) const {
    const auto id = find_in(ids_, written);
    return id ? id : find_in(added_, written);
  }

  /// A token as a file writes it; empty for an unknown id.
  std::string_view written(Token id) const {
    const auto index = static_cast<std::size_t>(id);
    return id >= 0 && index < written_.size() ? std::string_view(written_[index]) : std::string_view();
  }

  /// One more than the highest id.
  std::size_t size() const { return written_.size(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Ids = std::unordered_map<std::string, Token, Hash, std::equal_to<>>;

  static std::optional<Token> find_in(const Ids& ids, std::string_view written) {
    const auto entry = ids.find(written);
    return entry == ids.end() ? std::nullopt : std::optional(entry->second);
  }

  void add_to(Ids& ids, std::string_view written, std::int64_t id, std::string_view where) {
    if (written.empty()) throw Error(where, "expected a token's text, found an empty one");
    if (id < 0 || id >= kMaxSize)
      throw Error(where, "expected a token id in [0, " + std::to_string(kMaxSize) + "), found " + std::to_string(id));
    const auto token = static_cast<Token>(id);
    const auto index = static_cast<std::size_t>(id);
    if (index >= written_.size()) written_.resize(index + 1);
    const auto [entry, is_new] = ids.try_emplace(std::string(written), token);
    if (entry->second != token)
      throw Error(where, "token " + detail::shortened(written, 60) + " has the ids " + std::to_string(entry->second) +
                             " and " + std::to_string(id));
    if (!is_new) return;
    if (!written_[index].empty()) throw Error(where, "id " + std::to_string(id) + " belongs to two tokens");
    written_[index] = written;
  }

  Ids ids_, added_;                   // of the model, and those that only added_tokens or other files have
  std::vector<std::string> written_;  // by id, empty for an id without a token
};

}  // namespace kvx::inline v0
