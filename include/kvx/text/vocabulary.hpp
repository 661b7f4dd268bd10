#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/token.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/text/byte_alphabet.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kvx::inline v0 {

/// Token ids, their written forms and the bytes that they decode to.
class Vocabulary {
 public:
  static constexpr std::int64_t kMaxSize = 1 << 20;

  /// Adds a token as a file writes it. Throws Error, naming `where`, for an empty text, an id outside [0, kMaxSize),
  /// and a text or an id that another token has. Adding the same pair again changes nothing.
  void add(std::string_view written, std::int64_t id, std::string_view where) {
    if (written.empty()) throw Error(where, "expected a token's text, found an empty one");
    if (id < 0 || id >= kMaxSize)
      throw Error(where, "expected a token id in [0, " + std::to_string(kMaxSize) + "), found " + std::to_string(id));
    const auto token = static_cast<Token>(id);
    const auto index = static_cast<std::size_t>(id);
    if (index >= bytes_.size()) bytes_.resize(index + 1);
    const auto [entry, is_new] = ids_.try_emplace(std::string(written), token);
    if (entry->second != token)
      throw Error(where, "token " + detail::shortened(written, 60) + " has the ids " + std::to_string(entry->second) +
                             " and " + std::to_string(id));
    if (!is_new) return;
    if (!bytes_[index].empty()) throw Error(where, "id " + std::to_string(id) + " belongs to two tokens");
    bytes_[index] = byte_level_bytes(written);
  }

  /// Adds a token to those of the model and returns its id: the id that it already has, otherwise the number of tokens
  /// so far. The tokenizers library numbers added tokens in this way, whatever id the file states. If that id belongs
  /// to another token, it decodes to the added one from then on. Throws Error like add().
  Token add_extra(std::string_view written, std::string_view where) {
    if (const auto known = find(written)) return *known;
    const std::size_t id = ids_.size();
    if (id < bytes_.size()) bytes_[id].clear();
    add(written, static_cast<std::int64_t>(id), where);
    return static_cast<Token>(id);
  }

  std::optional<Token> find(std::string_view written) const {
    const auto entry = ids_.find(written);
    return entry == ids_.end() ? std::nullopt : std::optional(entry->second);
  }

  /// The bytes of a token; empty for an unknown id.
  std::string_view bytes(Token id) const {
    const auto index = static_cast<std::size_t>(id);
    return id >= 0 && index < bytes_.size() ? std::string_view(bytes_[index]) : std::string_view();
  }

  /// One more than the highest id.
  std::size_t size() const { return bytes_.size(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, Token, Hash, std::equal_to<>> ids_;
  std::vector<std::string> bytes_;  // by id, empty for an id without a token
};

}  // namespace kvx::inline v0
