#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps only the first `initial` and the most recent rows of layers that are lazy: those where the last `last` queries
/// give them more than `threshold` of their attention; other layers keep all. Zhang et al., "SimLayerKV: A Simple
/// Framework for Layer-Level KV Cache Reduction", arXiv:2410.13846. As in kvpress a threshold of 1 switches it off, the
/// `recent` rows that are judged end before the `last` ones, and the most recent `recent` - `last` rows stay.
struct SimLayerKV {
  static constexpr std::string_view name = "simlayerkv", paper = "arXiv:2410.13846";
  double threshold = 1;
  int last = 1, recent = 1024, initial = 4;
  static constexpr auto parameters() {
    using Self = SimLayerKV;
    return std::tuple(Parameter{"threshold", &Self::threshold, "lazy_threshold"},
                      Parameter{"last", &Self::last, "n_last"}, Parameter{"recent", &Self::recent, "n_recent"},
                      Parameter{"initial", &Self::initial, "n_initial"});
  }
  void validate() const {
    detail::expect_between(name, "threshold", 0, 1, threshold);
    detail::expect_at_least(name, "last", 1, last);
    if (recent <= last)
      throw Error("simlayerkv: recent",
                  "expected more than last, " + std::to_string(last) + ", found " + std::to_string(recent));
    detail::expect_at_least(name, "initial", 0, initial);
  }

  Traits traits() const { return {.own_budget = true}; }
  Needs needs() const { return {.queries = last}; }
  Index rows(const PressInput& in, const Budget&) const { return in.kv_heads() * in.tokens(); }
  /// The mean attention of the last queries, over all heads.
  void score(const PressInput& in, const Budget&, Scores out) const {
    const std::vector<float> mean = detail::mean_window_attention(in);
    for (Index h = 0; h < out.rows(); ++h) std::copy(mean.begin(), mean.end(), out.row(h).data());
  }
  Kept select(const PressInput& in, const Budget&, MatrixView<const float> scores) const {
    Kept kept = keep_all(in.kv_heads(), in.tokens());
    if (threshold >= 1 || in.tokens() - initial - recent - last <= 0) return kept;
    const Matrix<float> judged = scores.row(0).head(in.tokens() - last);
    if (static_cast<double>(judged.leftCols(initial).sum() + judged.rightCols(recent).sum()) > threshold)
      for (auto& rows : kept) rows.erase(rows.begin() + initial, rows.end() - (recent - last));
    return kept;
  }
};
static_assert(ScorePolicy<SimLayerKV>);

}  // namespace kvx::inline v0
