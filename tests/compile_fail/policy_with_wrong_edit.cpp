// expects: EditFits
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
  void edit(const kvx::PressInput&, kvx::Index, kvx::HeadRows) const {}
};
static_assert(kvx::ScorePolicy<Policy>);
