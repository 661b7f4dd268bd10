// Must not compile: a policy with a member KVX_HOOK whose parameters differ from those of the hook with this name, or
// with a data member that has the name of the trait KVX_TRAIT.
#include <kvx/press.hpp>

struct Scorer {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
};
struct Policy : Scorer {
#ifdef KVX_HOOK
  void KVX_HOOK(const Scorer*) const {}
#else
  static constexpr bool KVX_TRAIT = true;
#endif
};
static_assert(kvx::ScorePolicy<Policy>);
