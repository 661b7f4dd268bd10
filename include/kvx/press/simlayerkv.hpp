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

/// Cuts lazy layers to their first `initial` and most recent rows; other layers keep all rows. A layer is lazy if the
/// last `last` queries give more than the share `threshold` of their attention to its first `initial` rows and to
/// `recent` recent rows. As in kvpress, a threshold of 1 turns the press off, these `recent` rows are those before the
/// last `last` rows, and the newest `recent` - `last` rows of a lazy layer stay. Zhang et al., "SimLayerKV: A Simple
/// Framework for Layer-Level KV Cache Reduction", arXiv:2410.13846.
struct SimLayerKV {
  static constexpr std::string_view name = "simlayerkv", paper = "arXiv:2410.13846";
  double threshold = 1;  ///< the share of attention above which a layer is lazy, 0 to 1
  int last = 1;          ///< the number of last queries whose attention is averaged
  int recent = 1024;     ///< recent rows; more than `last`
  int initial = 4;       ///< first rows
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
    const Matrix<float> attention = scores.row(0).head(in.tokens() - last);
    if (static_cast<double>(attention.leftCols(initial).sum() + attention.rightCols(recent).sum()) > threshold)
      for (auto& rows : kept) rows.erase(rows.begin() + initial, rows.end() - (recent - last));
    return kept;
  }
};
static_assert(ScorePolicy<SimLayerKV>);

}  // namespace kvx::inline v0
