#pragma once

#include <kvx/press/parts/adaptive_rows.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Lets the heads of a layer compete for its rows: the best stay, whichever head's they are. Feng et al., "Ada-KV:
/// Optimizing KV Cache Eviction by Adaptive Budget Allocation for Efficient LLM Inference", arXiv:2407.11550. As in
/// kvpress each head first keeps its best rows, the share `alpha` of an even budget and at least one; with `alpha=0` a
/// head may be left without rows. The paper mixes even and adaptive budgets by alpha.
template <ScorePolicy P>
struct Ada {
  static constexpr std::string_view name = "ada", kvpress_name = "AdaKV", paper = "arXiv:2407.11550";
  P inner = {};
  double alpha = 0.2;
  static constexpr auto parameters() { return std::tuple(Parameter{"alpha", &Ada::alpha, "alpha_safeguard"}); }
  void validate() const {
    detail::check_alpha(name, alpha);
    detail::expect_only_scores(name, inner);
  }

  Traits traits() const { return {.ragged = true}; }
  Kept select(const PressInput&, const Budget& budget, MatrixView<const float> scores) const {
    return detail::adaptive_rows(scores, budget.keep, detail::safe_rows(budget.keep, alpha));
  }
};

}  // namespace kvx::inline v0
