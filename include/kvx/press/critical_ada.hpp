#pragma once

#include <kvx/core/top_k.hpp>
#include <kvx/press/parts/adaptive_rows.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/output_norms.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Lets the heads of a layer compete for its rows, as Ada does, which gives each head its number of rows; then chooses
/// the rows of each head in two stages, as Critical does. With `alpha=0` a head may lose all its rows. Feng et al.,
/// "Identify Critical KV Cache in LLM Inference from an Output Perturbation Perspective", arXiv:2502.03805.
template <ScorePolicy P>
struct CriticalAda {
  static constexpr std::string_view name = "critical_ada", kvpress_name = "CriticalAdaKV", paper = "arXiv:2502.03805";
  P inner = {};           ///< the press that scores the rows
  double alpha = 0.2;     ///< the share of an even budget that every head keeps, 0 to 1
  double epsilon = 1e-4;  ///< added to a score before it is multiplied by the norm
  double first = 0.5;     ///< the share of a head's rows that the first stage fills, 0 to 1
  static constexpr auto parameters() {
    using Self = CriticalAda;
    return std::tuple(Parameter{"alpha", &Self::alpha, "alpha_safeguard"}, Parameter{"epsilon", &Self::epsilon},
                      Parameter{"first", &Self::first, "first_stage_ratio"});
  }
  void validate() const {
    detail::check_alpha(name, alpha);
    detail::check_weights(name, epsilon, first);
    detail::expect_only_scores(name, inner);
  }

  Traits traits() const { return {.ragged = true}; }
  Needs needs() const { return Hooks(inner).needs() | Needs{.output_projection = true}; }
  Kept select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    const Index safe = detail::safe_rows(budget.keep, alpha);
    Kept kept = detail::adaptive_rows(scores, budget.keep, safe);
    const Matrix<float> norms = detail::output_norms(in);
    Matrix<float> weighted = scores;
    for (Index h = 0; h < scores.rows(); ++h) {
      auto& rows = kept[static_cast<std::size_t>(h)];
      const auto count = static_cast<Index>(rows.size());
      const auto first_rows = static_cast<Index>(static_cast<double>(count) * first);
      detail::weigh_scores(view(weighted), h, norms, epsilon, std::max(safe, first_rows));
      rows = top_k({weighted.row(h).data(), static_cast<std::size_t>(weighted.cols())}, count);
    }
    return kept;
  }
};

}  // namespace kvx::inline v0
