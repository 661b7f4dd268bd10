#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Keeps the first `sinks` tokens (attention sinks) and the most recent ones. Xiao et al., "Efficient Streaming
/// Language Models with Attention Sinks", arXiv:2309.17453. The paper counts positions within the cache; here keys keep
/// the rotation of their original positions (see Rerotate).
struct StreamingLLM {
  static constexpr std::string_view name = "streaming_llm", paper = "arXiv:2309.17453";
  int sinks = 4;  ///< tokens at the beginning that stay
  static constexpr auto parameters() { return std::tuple(Parameter{"sinks", &StreamingLLM::sinks, "n_sink"}); }
  void validate() const { detail::expect_at_least(name, "sinks", 0, sinks); }

  Traits traits() const { return {.scores_by_budget = true}; }
  Index protected_rows() const { return sinks; }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget& budget, Scores out) const {
    const Index evicted = in.tokens() - budget.keep;
    if (in.tokens() <= sinks)
      throw NotApplicable("streaming_llm", "a context of " + std::to_string(in.tokens()) +
                                               " tokens is not longer than its " + std::to_string(sinks) + " sinks");
    out.setOnes();
    out.middleCols(sinks, std::clamp<Index>(evicted, 0, in.tokens() - sinks)).setZero();
  }
  static constexpr bool ranges_quota() { return false; }
  /// Scores rise from 0.1 to 0.9 in each range, so that the most recent tokens of both stay. Sinks score 1.
  void score_ranges(const PressInput& in, const Budget&, const Ranges& ranges, Scores out) const {
    const auto rise = [&](Index first, Index last) {
      const double step = 0.8 / static_cast<double>(std::max<Index>(1, last - first - 1));
      for (Index j = first; j < last; ++j)
        out.col(j).setConstant(static_cast<float>(0.1 + step * static_cast<double>(j - first)));
    };
    rise(sinks, ranges.cut);
    rise(ranges.cut, in.tokens());
    out.leftCols(std::min<Index>(sinks, in.tokens())).setOnes();
  }
};
static_assert(ScorePolicy<StreamingLLM>);

}  // namespace kvx::inline v0
