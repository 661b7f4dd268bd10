// expects: p.needs
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Index needs() const { return 64; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
};
static_assert(kvx::ScorePolicy<Policy>);
