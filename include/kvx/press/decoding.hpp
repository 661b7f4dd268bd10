#pragma once

#include <kvx/press/any_policy.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Compresses a cache while answers are decoded. After every `interval` steps, where the question is one step, and
/// after a step of more tokens than may stay, each layer is cut to `target` rows per head; with `ratio`, to what the
/// ratio leaves of all tokens so far. Between cuts the cache grows. The prefill does not compress the context. If the
/// rows are fewer than the press inside needs, the answer ends as not applicable. As in kvpress (DecodingPress,
/// CompressionRatioDecodingPress), except that queries keep the rotation of their own positions.
struct Decoding {
  static constexpr std::string_view name = "decoding", paper = "";
  static constexpr KvpressVariant kvpress_variant = {"CompressionRatioDecoding", "ratio", "0.5"};
  AnyPolicy inner = {};
  int interval = 512, target = 2048;
  std::optional<double> ratio = {};
  int buffer = 256;  ///< the most queries that are remembered; the press inside must not need more
  static constexpr auto parameters() {
    return std::tuple(Parameter{"interval", &Decoding::interval, "compression_interval"},
                      Parameter{"target", &Decoding::target, "target_size"},
                      Parameter{"ratio", &Decoding::ratio, "target_compression_ratio"},
                      Parameter{"buffer", &Decoding::buffer, "hidden_states_buffer_size"});
  }
  void validate() const {
    const Needs wanted = inner.needs();
    detail::expect_only_scores(name, inner);
    detail::expect_inner(name, inner,
                         !wanted.attention && !wanted.pre_rope_queries && !wanted.pre_rope_keys &&
                             !wanted.output_projection && wanted.queries != kAllTokens,
                         "looks at keys, values and the last queries alone");
    detail::expect_at_least<Index>(name, "interval", std::max<Index>(1, wanted.queries), interval);
    detail::expect_at_least<Index>(name, "buffer", wanted.queries, buffer);
    if (ratio)
      detail::expect_ratio(name, "ratio", *ratio);
    else
      detail::expect_at_least<Index>(name, "target", std::max(wanted.queries, inner.protected_rows()) + 1, target);
  }

  const Decoding* decoding() const { return this; }
  /// Rows per head that stay of `tokens`.
  Index target_rows(Index tokens) const { return ratio ? kept_rows(tokens, *ratio) : target; }

  Traits traits() const { return {.own_budget = true, .outermost = true}; }
  Needs needs() const { return {}; }
  Index rows(const PressInput& in, const Budget&) const { return in.kv_heads() * in.tokens(); }
  /// Nothing is evicted before a question is asked.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float>) const {
    return keep_all(in.kv_heads(), in.tokens());
  }
};
static_assert(ScorePolicy<Decoding>);

}  // namespace kvx::inline v0
