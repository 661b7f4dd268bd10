// expects: Policy::edit.* is private
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}

 private:
  void edit(const kvx::PressInput&, kvx::Index, std::span<const kvx::Index>, kvx::HeadRows) const {}
};
static_assert(kvx::ScorePolicy<Policy>);
