// expects: SelectLayersFits
#include <kvx/press.hpp>

struct Policy {
  static constexpr std::string_view name = "policy";
  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput&, const kvx::Budget&, kvx::Scores) const {}
  std::vector<kvx::Kept> select_layers(std::span<const kvx::Matrix<float>>) const { return {}; }
};
static_assert(kvx::ScorePolicy<Policy>);
