#pragma once

#include <kvx/press/parts/adaptive_rows.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Lets the heads of a layer compete for its rows: the rows with the highest scores of all heads stay, so that heads
/// keep different numbers of rows. As in kvpress, each head first keeps its own best rows: the share `alpha` of an even
/// budget, and at least one row. With `alpha=0` a head may lose all its rows. The paper instead uses alpha to mix even
/// and adaptive budgets. Feng et al., "Ada-KV: Optimizing KV Cache Eviction by Adaptive Budget Allocation for Efficient
/// LLM Inference", arXiv:2407.11550.
template <ScorePolicy P>
struct Ada {
  static constexpr std::string_view name = "ada", kvpress_name = "AdaKV", paper = "arXiv:2407.11550";
  P inner = {};        ///< the press that scores the rows
  double alpha = 0.2;  ///< the share of an even budget that every head keeps, 0 to 1
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
