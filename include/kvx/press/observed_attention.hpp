#pragma once

#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the tokens that received most attention, as a mean over the queries that could see them.
/// Zhang et al., "H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language Models",
/// arXiv:2306.14048, in the prefill-only form of kvpress. The paper sums without the mean, keeps a recent window and
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
};
static_assert(ScorePolicy<ObservedAttention>);

}  // namespace kvx::inline v0
