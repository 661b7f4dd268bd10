#pragma once

#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the keys with the smallest L2 norm: the score is -|k|. (RoPE does not change the norm.) Devoto et al., "A
/// Simple and Effective L2 Norm-Based Strategy for KV Cache Compression", arXiv:2406.11430. The paper's experiments
/// leave the first layers uncompressed; as in kvpress, all layers are compressed.
struct Knorm {
  static constexpr std::string_view name = "knorm", paper = "arXiv:2406.11430";
  static constexpr auto parameters() { return std::tuple(); }

  Traits traits() const { return {.row_wise = true}; }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    for (Index h = 0; h < in.kv_heads(); ++h) out.row(h) = -in.keys.head(h).rowwise().norm().transpose();
  }
};
static_assert(ScorePolicy<Knorm>);

}  // namespace kvx::inline v0
