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

/// Gives each layer a ratio of its own, instead of the run's.
template <ScorePolicy P>
struct PerLayer {
  static constexpr std::string_view name = "per_layer", kvpress_name = "PerLayerCompression", paper = "";
  P inner = {};
  std::vector<double> ratios = {};  ///< [layers]
  static constexpr auto parameters() {
    return std::tuple(Parameter{"ratios", &PerLayer::ratios, "compression_ratios"});
  }
  void validate() const {
    const Traits all = Hooks(inner).traits();
    detail::expect_inner(name, inner, !all.own_budget && !all.edits, "goes by the ratio and rewrites nothing");
    for (const double ratio : ratios) detail::expect_ratio(name, "ratios", ratio);
  }

  Traits traits() const { return {.own_budget = true}; }
  Index rows(const PressInput& in, const Budget&) const { return Hooks(inner).rows(in, own_budget_of(in)); }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Budget own = own_budget_of(in);
    if (keeps_all(inner, in, own))
      out.setZero();
    else
      Hooks(inner).score(in, own, out);
  }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float> scores) const {
    const Budget own = own_budget_of(in);
    if (keeps_all(inner, in, own)) return keep_all(in.kv_heads(), in.tokens());
    return select_scored(inner, in, own, scores);
  }

 private:
  Budget own_budget_of(const PressInput& in) const {
    if (static_cast<Index>(ratios.size()) != in.layers)
      throw Error("per_layer: ratios",
                  "expected " + std::to_string(in.layers) + ", one a layer, found " + std::to_string(ratios.size()));
    return Allowance::of_ratio(ratios[static_cast<std::size_t>(in.layer)]).resolve(in);
  }
};

}  // namespace kvx::inline v0
