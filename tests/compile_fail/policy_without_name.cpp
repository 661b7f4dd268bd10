// expects: HasName
#include <kvx/press.hpp>

struct Nameless {
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
};
static_assert(kvx::ScorePolicy<Nameless>);
