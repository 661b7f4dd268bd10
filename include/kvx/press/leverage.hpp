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

/// Keeps the keys that stand out from the others, by the statistical leverage of the keys before RoPE in a random
/// projection of `sketch` channels. One half of Compactor: Chari, Van Durme, "Compactor: Calibrated Query-Agnostic KV
/// Cache Compression with Approximate Leverage Scores", arXiv:2507.08143. Like kvpress this solves by a Cholesky
/// factorization; kvpress draws anew at each call, this by seed, layer and head.
struct LeverageScore {
  static constexpr std::string_view name = "leverage", kvpress_name = "LeverageScore", paper = "arXiv:2507.08143";
  int sketch = 48;
  std::optional<std::uint64_t> seed = {};
  std::vector<Matrix<float>> sketches = {};  ///< [kv_heads] of [head_dim, sketch], used instead of drawn ones
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
