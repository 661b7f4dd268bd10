#pragma once

#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the keys that differ most from the other keys of their head: the score is minus the cosine between the key and
/// the mean of all keys, each scaled to length 1. Park et al., "KeyDiff: Key Similarity-Based KV Cache Eviction for
/// Long-Context LLM Inference in Resource-Constrained Environments", arXiv:2504.15364. The paper evicts block by block
/// during the prefill (see Block); as in kvpress, the whole context is scored at once.
struct KeyDiff {
  static constexpr std::string_view name = "keydiff", paper = "arXiv:2504.15364";
  static constexpr auto parameters() { return std::tuple(); }

  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const auto inverse = [](float norm) { return norm > 0 ? 1 / norm : 0.0f; };
    for (Index h = 0; h < in.kv_heads(); ++h) {
      const auto keys = in.keys.head(h);
      const Matrix<float> inverse_norms = keys.rowwise().norm().transpose().unaryExpr(inverse);
      Matrix<float> anchor = Matrix<float>::Zero(1, keys.cols());
      row_kernels().weighted_sum(inverse_norms.data(), keys, anchor.data());
      row_kernels().dot_rows(anchor.data(), keys, -inverse(anchor.norm()), out.row(h).data());
      out.row(h).array() *= inverse_norms.array();
    }
  }
};
static_assert(ScorePolicy<KeyDiff>);

}  // namespace kvx::inline v0
