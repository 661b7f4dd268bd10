// expects: policy.rows
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
  double rows(const kvx::PressInput&, const kvx::Budget&) const { return 0; }
};
static_assert(kvx::ScorePolicy<Policy>);
