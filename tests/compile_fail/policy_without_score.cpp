// expects: has no member named [^ ]*score
#include <kvx/press.hpp>

struct Scoreless {
  static constexpr std::string_view name = "scoreless";
  kvx::Needs needs() const { return {}; }
};
static_assert(kvx::ScorePolicy<Scoreless>);
