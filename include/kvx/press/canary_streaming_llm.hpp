#pragma once

#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/rounded_rows.hpp>
#include <kvx/press/policy.hpp>

#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// StreamingLLM in the form of kv-canary: keeps the first `sinks` tokens and the most recent ones. The number of rows
/// is rounded to the nearest, and may be 0. Xiao et al., "Efficient Streaming Language Models with Attention Sinks",
/// arXiv:2309.17453.
struct CanaryStreamingLLM {
  static constexpr std::string_view name = "canary_streaming_llm", paper = "arXiv:2309.17453";
  int sinks = 4;  ///< tokens at the beginning that stay
  static constexpr auto parameters() { return std::tuple(Parameter{"sinks", &CanaryStreamingLLM::sinks, "n_sink"}); }
  void validate() const { detail::expect_at_least(name, "sinks", 0, sinks); }

  Needs needs() const { return {}; }
  Index rows(const PressInput& in, const Budget& budget) const { return detail::rounded_rows(budget, in); }
  void score(const PressInput& in, const Budget&, Scores out) const {
    for (Index j = 0; j < in.tokens(); ++j) out.col(j).setConstant(static_cast<float>(j < sinks ? in.tokens() : j));
  }
};
static_assert(ScorePolicy<CanaryStreamingLLM>);

}  // namespace kvx::inline v0
