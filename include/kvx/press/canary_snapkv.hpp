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

/// SnapKV as kv-canary has it: the votes of all heads count together, so that every KV head keeps the same tokens, they
/// are not pooled, the number of rows is rounded, and a budget below the window keeps the last of it. Li et al.,
/// "SnapKV: LLM Knows What You are Looking for Before Generation", arXiv:2404.14469.
struct CanarySnapKV {
  static constexpr std::string_view name = "canary_snapkv", paper = "arXiv:2404.14469";
  int window = 8;
  static constexpr auto parameters() { return std::tuple(Parameter{"window", &CanarySnapKV::window, "window_size"}); }
  void validate() const { detail::expect_at_least(name, "window", 1, window); }

  Needs needs() const { return {.queries = window}; }
  Index rows(const PressInput& in, const Budget& budget) const { return detail::rounded_rows(budget, in); }
  void score(const PressInput& in, const Budget&, Scores out) const {
    std::vector<float> votes = detail::mean_window_attention(in);
    // Above all votes, and the later the better, whatever the budget has room for.
    for (Index j = std::max<Index>(0, in.tokens() - window); j < in.tokens(); ++j)
      votes[static_cast<std::size_t>(j)] = 2 + static_cast<float>(j);
    for (Index h = 0; h < out.rows(); ++h) std::copy(votes.begin(), votes.end(), out.row(h).data());
  }
};
static_assert(ScorePolicy<CanarySnapKV>);

}  // namespace kvx::inline v0
