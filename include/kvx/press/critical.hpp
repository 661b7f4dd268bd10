#pragma once

#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/output_norms.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps rows in two stages: the share `first` of the budget goes to the rows with the highest scores of the wrapped
/// press, the rest to those with the highest (score + epsilon) * |W_O v|_1, where W_O v is what the row's value v adds
/// to the hidden states, with the L1 norm averaged over the query heads of the KV head. Wrap `expected_attention` with
/// `vnorm=false`, since it would otherwise count the value twice. Feng et al., "Identify Critical KV Cache in LLM
/// Inference from an Output Perturbation Perspective", arXiv:2502.03805.
template <ScorePolicy P>
struct Critical {
  static constexpr std::string_view name = "critical", kvpress_name = "CriticalKV", paper = "arXiv:2502.03805";
  P inner = {};           ///< the press that scores the rows
  double epsilon = 1e-4;  ///< added to a score before it is multiplied by the norm
  double first = 0.5;     ///< the share of the budget that the first stage fills, 0 to 1
  static constexpr auto parameters() {
    return std::tuple(Parameter{"epsilon", &Critical::epsilon},
                      Parameter{"first", &Critical::first, "first_stage_ratio"});
  }
  void validate() const {
    detail::check_weights(name, epsilon, first);
    detail::expect_only_scores(name, inner);
  }

  Traits traits() const { return {.scores_by_budget = true}; }
  Needs needs() const { return Hooks(inner).needs() | Needs{.output_projection = true}; }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    Hooks(inner).score(in, budget, out);
    // Computed in double and in this order, as in kvpress, which rounds down only the final number.
    const double keep =
        budget.exact ? static_cast<double>(budget.keep) : (1.0 - budget.ratio) * static_cast<double>(in.tokens());
    const double share = keep * first;
    const Index best = first > 0 ? std::max<Index>(1, static_cast<Index>(share)) : 0;
    const Matrix<float> norms = detail::output_norms(in);
    for (Index h = 0; h < out.rows(); ++h) detail::weigh_scores(out, h, norms, epsilon, best);
  }
};

}  // namespace kvx::inline v0
