#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Applies the wrapped press with a ratio of its own in each layer, whatever the budget is.
template <ScorePolicy P>
struct PerLayer {
  static constexpr std::string_view name = "per_layer", kvpress_name = "PerLayerCompression", paper = "";
  P inner = {};                     ///< the press that selects the rows
  std::vector<double> ratios = {};  ///< [layers], the share of the rows that is removed; must be given
  static constexpr auto parameters() {
    return std::tuple(Parameter{"ratios", &PerLayer::ratios, "compression_ratios"});
  }
  void validate() const {
    const Traits inner_traits = Hooks(inner).traits();
    detail::expect_inner(name, inner, !inner_traits.own_budget && !inner_traits.edits,
                         "uses the budget and does not rewrite rows");
    for (const double ratio : ratios) detail::expect_ratio(name, "ratios", ratio);
  }

  Traits traits() const { return {.own_budget = true}; }
  Index rows(const PressInput& in, const Budget&) const { return Hooks(inner).rows(in, layer_budget(in)); }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Budget budget = layer_budget(in);
    if (keeps_all(inner, in, budget))
      out.setZero();
    else
      Hooks(inner).score(in, budget, out);
  }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float> scores) const {
    const Budget budget = layer_budget(in);
    if (keeps_all(inner, in, budget)) return keep_all(in.kv_heads(), in.tokens());
    return select_scored(inner, in, budget, scores);
  }

 private:
  Budget layer_budget(const PressInput& in) const {
    if (static_cast<Index>(ratios.size()) != in.layers)
      throw Error("per_layer: ratios", "expected " + std::to_string(in.layers) + ", one for each layer, found " +
                                           std::to_string(ratios.size()));
    return Allowance::of_ratio(ratios[static_cast<std::size_t>(in.layer)]).resolve(in);
  }
};

}  // namespace kvx::inline v0
