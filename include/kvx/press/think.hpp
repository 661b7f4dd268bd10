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

/// Keeps all rows, and sets the share `ratio` of each head's key channels to zero: those with the smallest product of
/// the squared queries, summed over the last `window` queries of the KV head's query heads, and the squared keys,
/// summed over the rows. Keys of later tokens are not changed. As in kvpress, no memory is freed. The default ratio of
/// kvpress is 0, which changes nothing. Xu et al., "ThinK: Thinner Key Cache by Query-Driven Pruning",
/// arXiv:2407.21018.
struct ThinK {
  static constexpr std::string_view name = "think", paper = "arXiv:2407.21018";
  double ratio = 0.5;  ///< the share of key channels that become zero, rounded down to whole channels; below 1
  int window = 32;     ///< the number of last queries
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
  /// Unused: all rows stay.
  void score(const PressInput&, const Budget&, Scores out) const { out.setZero(); }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float>) const {
    return keep_all(in.kv_heads(), in.tokens());
  }
  Index edit_queries() const { return window; }
  void edit(const PressInput& in, Index head, std::span<const Index>, HeadRows rows) const {
    const Index group = in.queries.heads() / in.kv_heads(), dim = in.head_dim();
    // Negative, so that top_k() finds the channels with the smallest products.
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
