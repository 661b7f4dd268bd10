#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/snap_votes.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Scores as SnapKV and gives low layers more rows than high ones, by an arithmetic series whose last member would be
/// the mean / `beta`. Cai et al., "PyramidKV: Dynamic KV Cache Compression based on Pyramidal Information Funneling",
/// arXiv:2406.02069. As in kvpress the layers' mean is what the ratio leaves, and where the series would give a layer
/// less than its window or more than there is to vote on, it is cut or all layers get the same. For a number of rows,
/// the sums of the series are rounded, so that the layers together keep exactly that mean.
struct PyramidKV {
  static constexpr std::string_view name = "pyramidkv", paper = "arXiv:2406.02069";
  int window = 64, kernel = 5, beta = 20;
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
    // In double, in this order and rounding halves to even, as kvpress counts.
    const auto tokens = static_cast<double>(in.tokens()), width = static_cast<double>(window);
    const double left = budget.exact ? static_cast<double>(budget.keep) : tokens * (1.0 - budget.ratio),
                 mean = (width + left) - width;
    double least = mean / beta, most = mean * 2 - least;
    if (most >= tokens - width) {
      most = tokens - width;
      least = mean * 2 - most;
    }
    double first = left, step = 0;
    if (tokens >= most && most >= least && least >= width) {
      first = most;
      step = in.layers > 1 ? (most - least) / static_cast<double>(in.layers - 1) : 0;
    }
    if (budget.exact) {
      if (in.layers == 1) return in.kv_heads() * budget.keep;
      const auto rows_below = [&](Index layer) {  // rows of one head
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
