#pragma once

#include <kvx/core/token_span.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the rows that received the most attention: the score is the attention from all queries of the context, divided
/// by the number of queries that can see the row, averaged over the query heads of the KV head. Zhang et al., "H2O:
/// Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models", arXiv:2306.14048, in the form of
/// kvpress, which evicts once after the prefill. The paper uses the plain sum, also keeps the most recent tokens, and
/// evicts while decoding.
struct ObservedAttention {
  static constexpr std::string_view name = "observed_attention", paper = "arXiv:2306.14048";
  static constexpr auto parameters() { return std::tuple(); }

  Needs needs() const { return {.attention = true}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Index tokens = in.tokens(), heads = static_cast<Index>(in.attention.size()) / tokens,
                group = heads / in.kv_heads();
    const auto received = view(in.attention.data(), heads, tokens, tokens);
    out.setZero();
    for (Index i = 0; i < heads; ++i)
      for (Index j = 0; j < tokens; ++j) out(i / group, j) += received(i, j) / static_cast<float>(group * (tokens - j));
  }
  Needs ranges_needs() const { return {.queries = kAllTokens, .attention = true}; }
  /// As score(), but rows of the earlier span do not count the attention from the later span, and are divided by the
  /// number of queries up to the later span that can see them.
  void score_ranges(const PressInput& in, const Budget& budget, const Ranges& ranges, Scores out) const {
    score(in, budget, out);
    const auto [first, last] = ranges.earlier;
    const Index group = in.queries.heads() / in.kv_heads();
    const std::vector<float> weights(static_cast<std::size_t>(in.tokens()), 1 / static_cast<float>(group));
    for (Index h = 0; h < in.kv_heads(); ++h) {
      std::vector<float> received(weights.size());
      for (const TokenSpan queries : {ranges.earlier, TokenSpan{ranges.later.last, in.tokens()}})
        detail::add_window_attention(detail::ending_at(in, queries.last, queries.size()), h, weights, received.data());
      for (Index j = first; j < last; ++j)
        out(h, j) = received[static_cast<std::size_t>(j)] / static_cast<float>(last - j);
    }
  }
};
static_assert(ScorePolicy<ObservedAttention>);

}  // namespace kvx::inline v0
