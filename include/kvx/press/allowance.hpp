#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/error.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

namespace kvx::inline v0 {

/// The number of rows that stay of `tokens` when the share `ratio` is removed: rounded down, and at least 1. Computed
/// in double and in this order, as in kvpress: of 100 rows, 9 stay at a ratio of 0.9, since 1 - 0.9 is a little below
/// 0.1.
inline Index kept_rows(Index tokens, double ratio) {
  return ratio >= 1 ? 0 : std::max<Index>(1, static_cast<Index>(static_cast<double>(tokens) * (1.0 - ratio)));
}

/// The number of rows that stay of tokens [first, first + count), if each part of a context of `tokens` is compressed
/// separately. With an exact budget, the numbers of all parts add up to it.
inline Index kept_of_part(const Budget& budget, Index first, Index count, Index tokens) {
  if (!budget.exact) return kept_rows(count, budget.ratio);
  return budget.keep * (first + count) / tokens - budget.keep * first / tokens;
}

/// The budget that keeps exactly `keep` of `tokens` rows per KV head, or all rows if there are fewer.
inline Budget exact_budget(Index keep, Index tokens) {
  keep = std::min(keep, tokens);
  return {1.0 - static_cast<double>(keep) / static_cast<double>(tokens), keep, true};
}

/// How much of a cache may stay: a ratio to remove, a number of rows, or a number of bytes. Rows and bytes are exact:
/// as many rows stay as were asked for, or as fit into the bytes.
class Allowance {
 public:
  /// Removes the share `ratio` of the rows. Throws Error if `ratio` is not in [0, 1).
  static Allowance of_ratio(double ratio) {
    if (!(ratio >= 0 && ratio < 1)) throw Error("ratio", "expected 0 <= ratio < 1, found " + std::to_string(ratio));
    return {Unit::ratio, ratio};
  }
  /// Keeps `tokens` rows per KV head, or all rows if there are fewer. Throws Error if `tokens` is below 1.
  static Allowance of_tokens(Index tokens) {
    if (tokens < 1) throw Error("keep", "expected 1 token or more, found " + std::to_string(tokens));
    return {Unit::tokens, static_cast<double>(tokens)};
  }
  /// Keeps as many rows as fit into `bytes`, summed over all layers and KV heads, positions and scales included. Each
  /// layer and KV head keeps the same number of rows unless the policy spreads them in another way.
  static Allowance of_bytes(std::size_t bytes) { return {Unit::bytes, static_cast<double>(bytes)}; }

  /// The bytes that may stay, if the allowance is in bytes.
  std::optional<std::size_t> bytes() const {
    return unit_ == Unit::bytes ? std::optional(static_cast<std::size_t>(amount_)) : std::nullopt;
  }

  /// The budget of this layer, if rows are not quantized; budget_of() counts bytes in a policy's own format. The layer
  /// must have passed check(). Throws Error if the bytes are not enough for one row per layer and head.
  Budget resolve(const PressInput& in) const {
    return resolve(in.tokens(), {in.layers, in.kv_heads(), in.head_dim(), in.dtype});
  }
  /// The budget of `tokens` rows per head in a cache of this shape.
  Budget resolve(Index tokens, const CacheShape& shape) const {
    if (unit_ == Unit::ratio) return {amount_, kept_rows(tokens, amount_)};
    Index keep = static_cast<Index>(std::min(amount_, 0x1p62));
    if (unit_ == Unit::bytes) {
      const std::size_t row = static_cast<std::size_t>(shape.layers * shape.kv_heads) * shape.row_bytes();
      keep /= static_cast<Index>(row);
      if (keep == 0) refuse_bytes(row);
    }
    return exact_budget(keep, tokens);
  }

  /// Throws the Error for an allowance below `row_bytes`, the bytes of one row per layer and head.
  [[noreturn]] void refuse_bytes(std::size_t row_bytes) const {
    throw Error("kv-bytes", "expected at least " + std::to_string(row_bytes) +
                                " for one row per layer and head, found " +
                                std::to_string(static_cast<std::size_t>(amount_)));
  }

 private:
  enum class Unit { ratio, tokens, bytes };
  Allowance(Unit unit, double amount) : unit_(unit), amount_(amount) {}

  Unit unit_;
  double amount_;
};

}  // namespace kvx::inline v0
