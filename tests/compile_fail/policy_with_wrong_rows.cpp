// expects: RowsFits
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
  int rows(const kvx::Budget& budget, const kvx::PressInput&) const { return static_cast<int>(budget.keep); }
};
static_assert(kvx::ScorePolicy<Policy>);
