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

inline void check_votes(std::string_view press, int window, int kernel) {
  expect_at_least(press, "window", 1, window);
  if (kernel < 1 || kernel % 2 == 0)
    throw Error(std::string(press) + ": kernel", "expected an odd number, found " + std::to_string(kernel));
}

/// The attention of the last `window` queries, averaged over them, `kernel` neighbors and the query heads of a KV
/// head; the window itself gets more than any other row.
inline void snap_votes(std::string_view press, int window, int kernel, const PressInput& in, Scores out) {
  const Index voted = in.tokens() - window;
  if (voted <= 0)
    throw NotApplicable(press, "a context of " + std::to_string(in.tokens()) +
                                   " tokens is not longer than its window of " + std::to_string(window));
  out.setZero();
  const std::vector<float> weights = mean_weights(in);
  for (Index h = 0; h < in.kv_heads(); ++h) {
    float* const votes = out.row(h).data();
    add_window_attention(in, h, weights, votes);
    average_pool({votes, static_cast<std::size_t>(voted)}, kernel);
  }
  out.rightCols(window).setConstant(out.leftCols(voted).maxCoeff() + 1);
}

/// The same within one range of a context, for an input with the queries of all tokens: its last `window` tokens vote
/// on those of the range before them, and get each head's maximum.
inline void snap_votes_of_range(Index window, int kernel, const PressInput& in, TokenSpan range, Scores out) {
  const Index voted = range.size() - window;
  const PressInput part = ending_at(in, range.last, window);
  auto scores = out.middleCols(range.first, range.size());
  const std::vector<float> weights = mean_weights(part);
  for (Index h = 0; h < in.kv_heads(); ++h) {
    Matrix<float> votes = Matrix<float>::Zero(1, range.last);
    add_window_attention(part, h, weights, votes.data());
    average_pool({votes.data() + range.first, static_cast<std::size_t>(voted)}, kernel);
    scores.row(h).head(voted) = votes.middleCols(range.first, voted);
    scores.row(h).tail(window).setConstant(voted > 0 ? scores.row(h).head(voted).maxCoeff() : 1);
  }
}

}  // namespace kvx::inline v0::detail
