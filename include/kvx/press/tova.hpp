#pragma once

#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the last token and the rows with the highest attention of the last query, averaged over all query heads, so
/// that every KV head keeps the same tokens. Oren et al., "Transformers are Multi-State RNNs", arXiv:2401.06104. The
/// paper evicts at each decoding step and may evict the last token; as in kvpress, rows are evicted once, and the last
/// token stays.
struct Tova {
  static constexpr std::string_view name = "tova", paper = "arXiv:2401.06104";
  static constexpr auto parameters() { return std::tuple(); }

  Needs needs() const { return {.queries = 1}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    std::vector<float> weights = detail::mean_window_attention(in);
    weights.back() = 0;
    weights.back() = *std::max_element(weights.begin(), weights.end()) + 1;
    for (Index h = 0; h < out.rows(); ++h) std::copy(weights.begin(), weights.end(), out.row(h).data());
  }
  Needs ranges_needs() const { return {.queries = kAllTokens}; }
  /// As score() in each range, with the last query of each.
  void score_ranges(const PressInput& in, const Budget&, const Ranges& ranges, Scores out) const {
    for (const TokenSpan range : {TokenSpan{0, ranges.cut}, TokenSpan{ranges.cut, in.tokens()}}) {
      const std::vector<float> weights = detail::mean_window_attention(detail::ending_at(in, range.last, 1));
      const auto first = weights.begin() + range.first, last = weights.end() - 1;
      for (Index h = 0; h < out.rows(); ++h) std::copy(first, last, out.row(h).data() + range.first);
      out.col(range.last - 1).setConstant(first < last ? *std::max_element(first, last) : 1);
    }
  }
};
static_assert(ScorePolicy<Tova>);

}  // namespace kvx::inline v0
