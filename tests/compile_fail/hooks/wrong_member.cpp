// Must not compile: a policy with a member named KVX_HOOK that has other parameters than the hook of this name, or with
// a member that has the name of the trait KVX_TRAIT.
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
