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

/// Compresses a cache while answers are decoded; the context is not compressed after the prefill. Every `interval`
/// steps, the wrapped press cuts each layer to `target` rows per head, or, with `ratio`, to the share of all tokens so
/// far that the ratio leaves. The whole question is one step, and a step of at least as many tokens as may stay is
/// followed by a cut at once. Between cuts the cache grows. If a layer then has fewer rows than the wrapped press
/// needs, the answer is not applicable. As in kvpress (DecodingPress, CompressionRatioDecodingPress), except that
/// queries keep the rotation of their own positions.
struct Decoding {
  static constexpr std::string_view name = "decoding", paper = "";
  static constexpr KvpressVariant kvpress_variant = {"CompressionRatioDecoding", "ratio", "0.5"};
  AnyPolicy inner = {};              ///< the press that scores the rows
  int interval = 512;                ///< steps between two cuts
  int target = 2048;                 ///< rows per head after a cut
  std::optional<double> ratio = {};  ///< the share of all tokens so far that a cut removes, instead of `target`
  int buffer = 256;                  ///< the most last queries that are stored; the wrapped press must not need more
  static constexpr auto parameters() {
    return std::tuple(Parameter{"interval", &Decoding::interval, "compression_interval"},
                      Parameter{"target", &Decoding::target, "target_size"},
                      Parameter{"ratio", &Decoding::ratio, "target_compression_ratio"},
                      Parameter{"buffer", &Decoding::buffer, "hidden_states_buffer_size"});
  }
  void validate() const {
    const Needs inner_needs = inner.needs();
    detail::expect_only_scores(name, inner);
    detail::expect_inner(name, inner,
                         !inner_needs.attention && !inner_needs.pre_rope_queries && !inner_needs.pre_rope_keys &&
                             !inner_needs.output_projection && inner_needs.queries != kAllTokens,
                         "uses only keys, values and the last queries");
    detail::expect_at_least<Index>(name, "interval", std::max<Index>(1, inner_needs.queries), interval);
    detail::expect_at_least<Index>(name, "buffer", inner_needs.queries, buffer);
    if (ratio)
      detail::expect_ratio(name, "ratio", *ratio);
    else
      detail::expect_at_least<Index>(name, "target", std::max(inner_needs.queries, inner.protected_rows()) + 1, target);
  }

  const Decoding* decoding() const { return this; }
  /// The rows per head that stay after a cut, if there have been `tokens` tokens so far.
  Index target_rows(Index tokens) const { return ratio ? kept_rows(tokens, *ratio) : target; }

  Traits traits() const { return {.own_budget = true, .outermost = true}; }
  Needs needs() const { return {}; }
  Index rows(const PressInput& in, const Budget&) const { return in.kv_heads() * in.tokens(); }
  /// Unused: nothing is evicted before the first decoding step.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float>) const {
    return keep_all(in.kv_heads(), in.tokens());
  }
};
static_assert(ScorePolicy<Decoding>);

}  // namespace kvx::inline v0
