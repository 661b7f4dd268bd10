#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/non_causal_scores.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the rows that nearby tokens attend to: the score is the attention that a row gets from all queries of its
/// chunk of `chunk` tokens, earlier and later ones, times the norm of its value, averaged over three neighboring rows.
/// One of the two scores of Compactor: Chari, Van Durme, "Compactor: Calibrated Query-Agnostic KV Cache Compression
/// with Approximate Leverage Scores", arXiv:2507.08143. As in kvpress, logits are not divided by sqrt(head_dim), and a
/// shorter last chunk is filled up with zero keys and queries, which count like others.
struct NonCausalAttention {
  static constexpr std::string_view name = "non_causal", kvpress_name = "NonCausalAttn", paper = "arXiv:2507.08143";
  int chunk = 256;  ///< tokens per chunk
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
