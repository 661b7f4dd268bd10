#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace kvx::inline v0::detail {

/// The size of what each value v adds to the hidden states, [kv_heads, tokens]: the L1 norm of W_O v, with the columns
/// of W_O of a query head, averaged over the query heads of the KV head.
inline Matrix<float> output_norms(const PressInput& in) {
  constexpr Index kRows = 96;  // rows at a time, so that their products stay in the L2 cache
  const Index dim = in.head_dim(), hidden = in.output_projection.tokens(), heads = in.output_projection.heads();
  const Index group = heads / in.kv_heads();
  Threads one_thread(1);
  Matrix<float> norms = Matrix<float>::Zero(in.kv_heads(), in.tokens()), products(kRows, hidden);
  for (Index i = 0; i < heads; ++i) {
    const Matrix<float> columns = in.output_projection.head(i);
    PackedMatrix weights(WeightFormat::f32, hidden, dim);
    weights.pack(0, hidden, Dtype::f32, std::as_bytes(std::span(columns.data(), columns.data() + columns.size())),
                 one_thread);
    for (Index first = 0; first < in.tokens(); first += kRows) {
      const Index count = std::min(kRows, in.tokens() - first);
      const auto part = rows_of(view(products), 0, count);
      matmul(in.values.tokens(first, count).head(i / group), weights, {}, part, one_thread);
      norms.row(i / group).segment(first, count) += part.rowwise().lpNorm<1>().transpose();
    }
  }
  return norms / static_cast<float>(group);
}

/// Replaces each score of head `h` by (score + epsilon) * norm, but those of the `first` best rows by the largest
/// float. Protected rows stay protected.
inline void weigh_scores(Scores scores, Index h, const Matrix<float>& norms, double epsilon, Index first) {
  const auto best = top_k({scores.row(h).data(), static_cast<std::size_t>(scores.cols())}, first);
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (Index j = 0; j < scores.cols(); ++j)
    if (float& score = scores(h, j); score != kProtected)
      score = std::min((score + static_cast<float>(epsilon)) * norms(h, j), kLargest);
  for (const Index j : best) scores(h, j) = std::max(scores(h, j), kLargest);
}

/// Throws Error unless epsilon and first are in their ranges.
inline void check_weights(std::string_view press, double epsilon, double first) {
  expect_at_least(press, "epsilon", 0, epsilon);
  expect_between(press, "first", 0, 1, first);
}

}  // namespace kvx::inline v0::detail
