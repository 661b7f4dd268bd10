// expects: passing .*Policy.* as [^ ]*this
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
  kvx::Traits traits() { return {}; }
};
static_assert(kvx::ScorePolicy<Policy>);
