// expects: NotFinal
#include <kvx/press.hpp>

struct Policy final {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
};
static_assert(kvx::ScorePolicy<Policy>);
