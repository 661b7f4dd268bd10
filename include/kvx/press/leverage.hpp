#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/leverage_scores.hpp>
#include <kvx/press/policy.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the keys that differ most from the other keys of their head, by statistical leverage: x^T (X^T X + 0.01 I)^-1
/// x for the row x of X, the keys before RoPE, minus their mean, projected to `sketch` random channels. One of the two
/// scores of Compactor: Chari, Van Durme, "Compactor: Calibrated Query-Agnostic KV Cache Compression with Approximate
/// Leverage Scores", arXiv:2507.08143. kvpress draws the projection anew at each call, kvx from the seed, the layer and
/// the head.
struct LeverageScore {
  static constexpr std::string_view name = "leverage", kvpress_name = "LeverageScore", paper = "arXiv:2507.08143";
  int sketch = 48;                           ///< channels of the random projection
  std::optional<std::uint64_t> seed = {};    ///< of the random projection; none: 0
  std::vector<Matrix<float>> sketches = {};  ///< [kv_heads] of [head_dim, sketch]; empty: drawn from the seed
  static constexpr auto parameters() {
    return std::tuple(Parameter{"sketch", &LeverageScore::sketch, "sketch_dimension"},
                      Parameter{"seed", &LeverageScore::seed});
  }
  void validate() const { detail::expect_at_least(name, "sketch", 1, sketch); }

  Needs needs() const { return {.pre_rope_keys = true}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    detail::leverage_scores(in.pre_rope_keys, detail::sketches_of(*this, in), out);
  }
};
static_assert(ScorePolicy<LeverageScore>);

}  // namespace kvx::inline v0
