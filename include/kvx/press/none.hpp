#pragma once

#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps all rows, whatever the budget is: the baseline that other presses are compared with.
struct None {
  static constexpr std::string_view name = "none", paper = "";
  static constexpr auto parameters() { return std::tuple(); }

  Traits traits() const { return {.own_budget = true}; }
  Needs needs() const { return {}; }
  Index rows(const PressInput& in, const Budget&) const { return in.kv_heads() * in.tokens(); }
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
};
static_assert(ScorePolicy<None>);

}  // namespace kvx::inline v0
