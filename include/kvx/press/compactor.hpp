#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/leverage_scores.hpp>
#include <kvx/press/parts/non_causal_scores.hpp>
#include <kvx/press/policy.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps rows with unusual keys and rows that nearby tokens attend to: the score is `blending` times the leverage of
/// the key before RoPE (LeverageScore), plus the attention within chunks (NonCausalAttention). As in kvpress,
/// `blending` is the compression ratio unless it is given (a constant in the paper), and the first `sinks` and last
/// `recent` rows are not scored but get the maximum of the other rows. Chari, Van Durme, "Compactor: Calibrated
/// Query-Agnostic KV Cache Compression with Approximate Leverage Scores", arXiv:2507.08143.
struct Compactor {
  static constexpr std::string_view name = "compactor", paper = "arXiv:2507.08143";
  int sinks = 8;                             ///< rows at the beginning that are not scored
  int recent = 4;                            ///< rows at the end that are not scored
  int chunk = 256;                           ///< tokens per chunk, within which attention is counted
  int sketch = 48;                           ///< channels of the random projection for leverage
  std::optional<double> blending = {};       ///< the weight of leverage; none: the compression ratio
  std::optional<std::uint64_t> seed = {};    ///< of the random projection; none: 0
  std::vector<Matrix<float>> sketches = {};  ///< [kv_heads] of [head_dim, sketch]; empty: drawn from the seed
  static constexpr auto parameters() {
    using Self = Compactor;
    return std::tuple(
        Parameter{"sinks", &Self::sinks, "sink_size_start"}, Parameter{"recent", &Self::recent, "sink_size_end"},
        Parameter{"chunk", &Self::chunk, "chunk_size"}, Parameter{"sketch", &Self::sketch, "sketch_dimension"},
        Parameter{"blending", &Self::blending}, Parameter{"seed", &Self::seed});
  }
  void validate() const {
    detail::expect_at_least(name, "sinks", 0, sinks);
    detail::expect_at_least(name, "recent", 0, recent);
    detail::expect_at_least(name, "chunk", 1, chunk);
    detail::expect_at_least(name, "sketch", 1, sketch);
  }

  Traits traits() const { return {.scores_by_budget = true}; }
  Needs needs() const { return {.queries = kAllTokens, .pre_rope_keys = true}; }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    const Index rest = in.tokens() - sinks - recent;
    if (rest <= 0)
      throw NotApplicable("compactor", "a context of " + std::to_string(in.tokens()) +
                                           " tokens is not longer than its " + std::to_string(sinks) + " sinks and " +
                                           std::to_string(recent) + " recent tokens");
    Matrix<float> attention(out.rows(), rest), leverage(out.rows(), rest);
    detail::non_causal_scores(in.queries.tokens(sinks, rest), in.keys.tokens(sinks, rest),
                              in.values.tokens(sinks, rest), chunk, view(attention));
    detail::leverage_scores(in.pre_rope_keys.tokens(sinks, rest), detail::sketches_of(*this, in), view(leverage));
    attention += static_cast<float>(blending.value_or(budget.ratio)) * leverage;
    out.setConstant(attention.maxCoeff());
    out.middleCols(sinks, rest) = attention;
  }
};
static_assert(ScorePolicy<Compactor>);

}  // namespace kvx::inline v0
