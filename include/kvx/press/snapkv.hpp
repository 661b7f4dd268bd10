#pragma once

#include <kvx/press/parts/snap_votes.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the last `window` rows and those with the highest attention of the last `window` queries, averaged over these
/// queries, over the query heads of the KV head, as in kvpress, and over `kernel` neighboring rows. Li et al., "SnapKV:
/// LLM Knows What You are Looking for Before Generation", arXiv:2404.14469.
struct SnapKV {
  static constexpr std::string_view name = "snapkv", paper = "arXiv:2404.14469";
  int window = 64;  ///< the last queries, which score the rows before them; their own rows stay
  int kernel = 5;   ///< neighboring rows that scores are averaged over; odd
  static constexpr auto parameters() {
    return std::tuple(Parameter{"window", &SnapKV::window, "window_size"},
                      Parameter{"kernel", &SnapKV::kernel, "kernel_size"});
  }
  void validate() const { detail::check_votes(name, window, kernel); }

  Needs needs() const { return {.queries = window}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    detail::snap_votes(name, window, kernel, in, out);
  }
  Needs ranges_needs() const { return {.queries = kAllTokens}; }
  /// As score() in each range, with half of the window at the end of each.
  void score_ranges(const PressInput& in, const Budget&, const Ranges& ranges, Scores out) const {
    const Index earlier = std::min<Index>(std::max(1, window / 2), ranges.cut),
                later = std::min(std::max<Index>(1, window - earlier), in.tokens() - ranges.cut);
    detail::snap_votes_of_range(earlier, kernel, in, {0, ranges.cut}, out);
    detail::snap_votes_of_range(later, kernel, in, {ranges.cut, in.tokens()}, out);
  }
};
static_assert(ScorePolicy<SnapKV>);

}  // namespace kvx::inline v0
