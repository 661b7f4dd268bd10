#pragma once

#include <kvx/core/top_k.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Sets the share `ratio` of each head's key channels to zero, those that add least to the logits of the last `window`
/// queries; all rows stay, and later keys stay whole. Xu et al., "ThinK: Thinner Key Cache by Query-Driven Pruning",
/// arXiv:2407.21018. As in kvpress, the channels stay in memory. The default ratio in kvpress is 0, which
/// changes nothing; here it is 0.5.
struct ThinK {
  static constexpr std::string_view name = "think", paper = "arXiv:2407.21018";
  double ratio = 0.5;
  int window = 32;
  static constexpr auto parameters() {
    return std::tuple(Parameter{"ratio", &ThinK::ratio, "key_channel_compression_ratio"},
                      Parameter{"window", &ThinK::window, "window_size"});
  }
  void validate() const {
    detail::expect_ratio(name, "ratio", ratio);
    detail::expect_at_least(name, "window", 1, window);
  }

  Traits traits() const { return {.own_budget = true}; }
  Needs needs() const { return {}; }
  Index rows(const PressInput& in, const Budget&) const { return in.kv_heads() * in.tokens(); }
  /// There is nothing to rank.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float>) const {
    return keep_all(in.kv_heads(), in.tokens());
  }
  Index edit_queries() const { return window; }
  void edit(const PressInput& in, Index head, std::span<const Index>, HeadRows rows) const {
    const Index group = in.queries.heads() / in.kv_heads(), dim = in.head_dim();
    // The squares' sums over queries and over keys, negated: top_k() finds what goes.
    Matrix<float> queries = Matrix<float>::Zero(1, dim);
    for (Index i = head * group; i < (head + 1) * group; ++i)
      queries += in.queries.head(i).array().square().matrix().colwise().sum();
    const Matrix<float> scores = -queries.array() * rows.keys.array().square().colwise().sum();
    const auto count = static_cast<Index>(static_cast<double>(dim) * ratio);
    for (const Index c : top_k({scores.data(), static_cast<std::size_t>(dim)}, count)) rows.keys.col(c).setZero();
  }
};
static_assert(ScorePolicy<ThinK>);

}  // namespace kvx::inline v0
