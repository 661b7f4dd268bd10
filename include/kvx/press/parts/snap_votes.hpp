#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/pooling.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/window_attention.hpp>
#include <kvx/press/policy.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0::detail {

/// Throws Error unless window and kernel are in their ranges.
inline void check_votes(std::string_view press, int window, int kernel) {
  expect_at_least(press, "window", 1, window);
  if (kernel < 1 || kernel % 2 == 0)
    throw Error(std::string(press) + ": kernel", "expected an odd number, found " + std::to_string(kernel));
}

/// Writes the scores of SnapKV to `out`: the attention of the last `window` queries, averaged over them, over the query
/// heads of the KV head, and over `kernel` neighboring rows. The last `window` rows get the maximum of the layer
/// plus 1. Throws NotApplicable if the context is not longer than the window.
inline void snap_votes(std::string_view press, int window, int kernel, const PressInput& in, Scores out) {
  const Index scored = in.tokens() - window;
  if (scored <= 0)
    throw NotApplicable(press, "a context of " + std::to_string(in.tokens()) +
                                   " tokens is not longer than its window of " + std::to_string(window));
  out.setZero();
  const std::vector<float> weights = mean_weights(in);
  for (Index h = 0; h < in.kv_heads(); ++h) {
    float* const attention = out.row(h).data();
    add_window_attention(in, h, weights, attention);
    average_pool({attention, static_cast<std::size_t>(scored)}, kernel);
  }
  out.rightCols(window).setConstant(out.leftCols(scored).maxCoeff() + 1);
}

/// As snap_votes(), within one range of the context: the last `window` queries of the range score its earlier rows. The
/// last `window` rows get the maximum of their head. The input must have the queries of all tokens.
inline void snap_votes_of_range(Index window, int kernel, const PressInput& in, TokenSpan range, Scores out) {
  const Index scored = range.size() - window;
  const PressInput part = ending_at(in, range.last, window);
  auto scores = out.middleCols(range.first, range.size());
  const std::vector<float> weights = mean_weights(part);
  for (Index h = 0; h < in.kv_heads(); ++h) {
    Matrix<float> attention = Matrix<float>::Zero(1, range.last);
    add_window_attention(part, h, weights, attention.data());
    average_pool({attention.data() + range.first, static_cast<std::size_t>(scored)}, kernel);
    scores.row(h).head(scored) = attention.middleCols(range.first, scored);
    scores.row(h).tail(window).setConstant(scored > 0 ? scores.row(h).head(scored).maxCoeff() : 1);
  }
}

}  // namespace kvx::inline v0::detail
