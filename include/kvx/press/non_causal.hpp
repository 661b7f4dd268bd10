#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/non_causal_scores.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps what attends and is attended to nearby: keys are scored by the queries of their chunk of `chunk` tokens, later
/// ones included, times the norm of their value. One half of Compactor: Chari, Van Durme, "Compactor: Calibrated
/// Query-Agnostic KV Cache Compression with Approximate Leverage Scores", arXiv:2507.08143. As in kvpress logits are
/// not divided by sqrt(head_dim), and a last chunk that is shorter is filled up with zeros that take part.
struct NonCausalAttention {
  static constexpr std::string_view name = "non_causal", kvpress_name = "NonCausalAttn", paper = "arXiv:2507.08143";
  int chunk = 256;
  static constexpr auto parameters() {
    return std::tuple(Parameter{"chunk", &NonCausalAttention::chunk, "chunk_size"});
  }
  void validate() const { detail::expect_at_least(name, "chunk", 1, chunk); }

  Needs needs() const { return {.queries = kAllTokens}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    detail::non_causal_scores(in.queries, in.keys, in.values, chunk, out);
  }
};
static_assert(ScorePolicy<NonCausalAttention>);

}  // namespace kvx::inline v0
