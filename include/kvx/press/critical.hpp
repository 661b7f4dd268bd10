#pragma once

#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/output_norms.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Spends the share `first` of the budget on the rows that score best, and the rest on those that score best when a
/// score is weighed by what its value adds to the hidden states. Feng et al., "Identify Critical KV Cache in LLM
/// Inference from an Output Perturbation Perspective", arXiv:2502.03805. Expected attention is to be wrapped without
/// the value norm of its own.
template <ScorePolicy P>
struct Critical {
  static constexpr std::string_view name = "critical", kvpress_name = "CriticalKV", paper = "arXiv:2502.03805";
  P inner = {};
  double epsilon = 1e-4, first = 0.5;
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
    // In double and in this order, as kvpress counts; it truncates once, not what is to be kept and then its share.
    const double left =
        budget.exact ? static_cast<double>(budget.keep) : (1.0 - budget.ratio) * static_cast<double>(in.tokens());
    const double share = left * first;
    const Index best = first > 0 ? std::max<Index>(1, static_cast<Index>(share)) : 0;
    const Matrix<float> norms = detail::output_norms(in);
    for (Index h = 0; h < out.rows(); ++h) detail::weigh_scores(out, h, norms, epsilon, best);
  }
};

}  // namespace kvx::inline v0
