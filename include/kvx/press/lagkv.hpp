#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the first `sinks` tokens, the last partition of `lag` tokens with the remainder after it, and of every other
/// partition the rows that differ most from the next partition. For this, each channel is scaled by its minimum and
/// maximum in the next partition; the score is the softmax, over the partition, of the standard deviation over a row's
/// channels, averaged over keys and values. As in kvpress, scores are replaced by ranks within the partition unless
/// `cross_scoring` is set, and a context with fewer than two partitions keeps its sinks and most recent tokens. A
/// channel whose minimum equals its maximum counts as zero; kvpress divides by zero. Liang et al., "LagKV: Lag-Relative
/// Information of the KV Cache Tells Which Tokens Are Important", arXiv:2504.04704.
struct LagKV {
  static constexpr std::string_view name = "lagkv", paper = "arXiv:2504.04704";
  int sinks = 4;               ///< tokens at the beginning that stay
  int lag = 128;               ///< tokens per partition
  bool cross_scoring = false;  ///< whether scores of different partitions are compared, instead of ranks
  static constexpr auto parameters() {
    return std::tuple(Parameter{"sinks", &LagKV::sinks, "n_sink"}, Parameter{"lag", &LagKV::lag, "lag_size"},
                      Parameter{"cross_scoring", &LagKV::cross_scoring});
  }
  void validate() const {
    detail::expect_at_least(name, "sinks", 0, sinks);
    detail::expect_at_least(name, "lag", 1, lag);
  }

  Index protected_rows() const { return sinks; }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Index rest = in.tokens() - sinks;
    out.setOnes();
    if (rest < 2 * Index{lag}) {
      for (Index j = sinks; j < in.tokens(); ++j)
        out.col(j).setConstant(static_cast<float>(j - sinks) / static_cast<float>(rest));
      return;
    }
    for (Index h = 0; h < out.rows(); ++h)
      for (Index first = sinks; first + 2 * lag <= in.tokens(); first += lag) {
        auto part = out.row(h).segment(first, lag);
        part = (weights(in.keys.head(h), first) + weights(in.values.head(h), first)) / 2;
        if (!cross_scoring) part = ranks(part) / static_cast<float>(lag);
      }
  }

 private:
  using Row = Eigen::Matrix<float, 1, Eigen::Dynamic, Eigen::RowMajor | Eigen::DontAlign>;

  /// The softmax, over the partition that begins at row `first`, of the deviation of each row's scaled channels, [lag].
  Row weights(MatrixView<const float> rows, Index first) const {
    const auto next = rows.middleRows(first + lag, lag);
    const Row low = next.colwise().minCoeff(), range = next.colwise().maxCoeff() - low;
    const Row scale = (range.array() > 0).select(range.cwiseInverse(), 0);
    Matrix<float> scaled = (rows.middleRows(first, lag).rowwise() - low) * scale.asDiagonal();
    scaled.colwise() -= scaled.rowwise().mean().eval();
    const Row deviation = scaled.rowwise().norm().transpose() / std::sqrt(static_cast<float>(rows.cols() - 1));
    const Row power = (deviation.array() - deviation.maxCoeff()).exp();
    return power / power.sum();
  }
  static Row ranks(const Row& scores) {
    std::vector<Index> order(static_cast<std::size_t>(scores.size()));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return scores[a] < scores[b]; });
    Row rank(scores.size());
    for (Index i = 0; i < rank.size(); ++i) rank[order[static_cast<std::size_t>(i)]] = static_cast<float>(i);
    return rank;
  }
};
static_assert(ScorePolicy<LagKV>);

}  // namespace kvx::inline v0
