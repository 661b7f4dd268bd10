#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/snap_votes.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Scores like SnapKV, and keeps more rows in low layers than in high ones: the numbers of rows fall linearly from
/// 2 mean - mean / beta in the first layer to mean / beta in the last, where the mean over the layers is the budget. As
/// in kvpress, if the first layer would get more than tokens - window rows, it gets these, and the last one more; if a
/// layer would get fewer rows than the window, all layers get the same number. For an exact number of rows, the numbers
/// are rounded so that the mean over the layers is exact. Cai et al., "PyramidKV: Dynamic KV Cache Compression based on
/// Pyramidal Information Funneling", arXiv:2406.02069.
struct PyramidKV {
  static constexpr std::string_view name = "pyramidkv", paper = "arXiv:2406.02069";
  int window = 64;  ///< the last queries, which score the rows before them; their own rows stay
  int kernel = 5;   ///< neighboring rows that scores are averaged over; odd
  int beta = 20;    ///< the last layer keeps the mean number of rows / beta
  static constexpr auto parameters() {
    return std::tuple(Parameter{"window", &PyramidKV::window, "window_size"},
                      Parameter{"kernel", &PyramidKV::kernel, "kernel_size"}, Parameter{"beta", &PyramidKV::beta});
  }
  void validate() const {
    detail::check_votes(name, window, kernel);
    detail::expect_at_least(name, "beta", 1, beta);
  }

  Needs needs() const { return {.queries = window}; }
  Index rows(const PressInput& in, const Budget& budget) const {
    // Computed in double and in this order, with halves rounded to even, as in kvpress.
    const auto tokens = static_cast<double>(in.tokens()), window_rows = static_cast<double>(window);
    const double even = budget.exact ? static_cast<double>(budget.keep) : tokens * (1.0 - budget.ratio),
                 mean = (window_rows + even) - window_rows;
    double least = mean / beta, most = mean * 2 - least;
    if (most >= tokens - window_rows) {
      most = tokens - window_rows;
      least = mean * 2 - most;
    }
    double first = even, step = 0;
    if (tokens >= most && most >= least && least >= window_rows) {
      first = most;
      step = in.layers > 1 ? (most - least) / static_cast<double>(in.layers - 1) : 0;
    }
    if (budget.exact) {
      if (in.layers == 1) return in.kv_heads() * budget.keep;
      const auto rows_below = [&](Index layer) {  // the rows of one head in all layers before `layer`
        const auto count = static_cast<double>(layer);
        return static_cast<Index>(std::nearbyint(count * first - count * (count - 1) / 2 * step));
      };
      return in.kv_heads() * (rows_below(in.layer + 1) - rows_below(in.layer));
    }
    const double keep = first - static_cast<double>(in.layer) * step;
    return in.kv_heads() * std::max<Index>(1, static_cast<Index>(std::nearbyint(keep)));
  }
  void score(const PressInput& in, const Budget&, Scores out) const {
    detail::snap_votes(name, window, kernel, in, out);
  }
};
static_assert(ScorePolicy<PyramidKV>);

}  // namespace kvx::inline v0
