#pragma once

#include "support/layer.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx_test {

/// The score of a row is the first channel of its key, so that a test can choose scores.
struct FirstChannel {
  static constexpr std::string_view name = "first_channel", paper = "";
  static constexpr auto parameters() { return std::tuple(); }

  kvx::Needs needs() const { return {}; }
  void score(const kvx::PressInput& in, const kvx::Budget&, kvx::Scores out) const {
    for (kvx::Index h = 0; h < out.rows(); ++h) out.row(h) = in.keys.head(h).col(0).transpose();
  }
};
static_assert(kvx::ScorePolicy<FirstChannel>);

/// A layer whose rows get the given scores [kv_heads][tokens] from FirstChannel. It has `group` query heads per KV head
/// and two channels.
inline Layer scored_layer(const std::vector<std::vector<float>>& scores, kvx::Index group = 1) {
  const auto kv_heads = static_cast<kvx::Index>(scores.size());
  Layer layer(kv_heads * group, kv_heads, static_cast<kvx::Index>(scores.front().size()), 2);
  for (std::size_t h = 0; h < scores.size(); ++h)
    for (std::size_t j = 0; j < scores[h].size(); ++j)
      *layer.row(layer.keys, static_cast<kvx::Index>(h), static_cast<kvx::Index>(j)) = scores[h][j];
  return layer;
}

/// The rows of `layer` that the policy keeps.
template <class P>
kvx::Kept kept(const Layer& layer, const P& policy, const kvx::Allowance& allowance) {
  return kvx::select(policy, layer.input(kvx::Hooks(policy).needs()), allowance);
}

}  // namespace kvx_test
