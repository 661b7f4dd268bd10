#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/rounded_rows.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// SnapKV in the form of kv-canary: keeps the last `window` rows and those with the highest mean attention of the last
/// `window` queries. The mean is over all query heads, so that every KV head keeps the same tokens; it is not pooled
/// over neighbors. The number of rows is rounded to the nearest and may be 0, and a budget below the window keeps the
/// newest rows. Li et al., "SnapKV: LLM Knows What You are Looking for Before Generation", arXiv:2404.14469.
struct CanarySnapKV {
  static constexpr std::string_view name = "canary_snapkv", paper = "arXiv:2404.14469";
  int window = 8;  ///< the last queries, which score the rows before them
  static constexpr auto parameters() { return std::tuple(Parameter{"window", &CanarySnapKV::window, "window_size"}); }
  void validate() const { detail::expect_at_least(name, "window", 1, window); }

  Needs needs() const { return {.queries = window}; }
  Index rows(const PressInput& in, const Budget& budget) const { return detail::rounded_rows(budget, in); }
  void score(const PressInput& in, const Budget&, Scores out) const {
    std::vector<float> attention = detail::mean_window_attention(in);
    // More than any attention, and more for newer rows, so that a budget below the window keeps the newest.
    for (Index j = std::max<Index>(0, in.tokens() - window); j < in.tokens(); ++j)
      attention[static_cast<std::size_t>(j)] = 2 + static_cast<float>(j);
    for (Index h = 0; h < out.rows(); ++h) std::copy(attention.begin(), attention.end(), out.row(h).data());
  }
};
static_assert(ScorePolicy<CanarySnapKV>);

}  // namespace kvx::inline v0
