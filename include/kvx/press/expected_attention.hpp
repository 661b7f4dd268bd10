#pragma once

#include <kvx/core/error.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/parts/expect_value.hpp>
#include <kvx/press/parts/mean_rotation.hpp>
#include <kvx/press/parts/moments.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Keeps the first `sinks` tokens and the rows that future queries are expected to attend to. Queries are modeled as a
/// normal distribution with the mean m and covariance C of the context's queries, rotated by the mean rotation of the
/// next `future` positions. The expected attention is the softmax of m.k / sqrt(d) + k^T C k / 2d over the keys k,
/// averaged over the query heads of the KV head; the score is (attention + epsilon) * |v|. Devoto, Jeblick, Jegou,
/// "Expected Attention: KV Cache Compression by Estimating Attention from Future Queries Distribution",
/// arXiv:2510.00636.
struct ExpectedAttention {
  static constexpr std::string_view name = "expected_attention", paper = "arXiv:2510.00636";
  int future = 512;        ///< positions after the context over which the rotation is averaged
  int sinks = 4;           ///< tokens at the beginning that stay; their queries and keys are left out
  bool covariance = true;  ///< whether C is used; otherwise only the mean
  bool vnorm = true;       ///< whether attention is multiplied by the norm of the value
  double epsilon = 0;      ///< added to the attention before that
  static constexpr auto parameters() {
    using Self = ExpectedAttention;
    return std::tuple(Parameter{"future", &Self::future, "n_future_positions"},
                      Parameter{"sinks", &Self::sinks, "n_sink"},
                      Parameter{"covariance", &Self::covariance, "use_covariance"},
                      Parameter{"vnorm", &Self::vnorm, "use_vnorm"}, Parameter{"epsilon", &Self::epsilon});
  }
  void validate() const {
    detail::expect_at_least(name, "future", 1, future);
    detail::expect_at_least(name, "sinks", 0, sinks);
  }

  Needs needs() const { return {.pre_rope_queries = true}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Index rest = in.tokens() - sinks, heads = in.pre_rope_queries.heads(), group = heads / in.kv_heads();
    if (rest <= 0)
      throw NotApplicable("expected_attention", "a context of " + std::to_string(in.tokens()) +
                                                    " tokens is not longer than its " + std::to_string(sinks) +
                                                    " sinks");
    const auto queries = in.pre_rope_queries.tokens(sinks, in.pre_rope_queries.tokens() - sinks);
    const detail::MeanRotation rotation(in, future);
    out.setZero();
    for (Index h = 0; h < in.kv_heads(); ++h) {
      Matrix<float> keys = in.keys.tokens(sinks, rest).head(h);
      for (Index j = 0; j < rest; ++j) rotation.rotate_back(keys.row(j).data());
      for (Index i = h * group; i < (h + 1) * group; ++i) {
        const auto weights = expected_weights(queries.head(i), view(std::as_const(keys)), in.scalar());
        for (Index j = 0; j < rest; ++j)
          out(h, sinks + j) += weights[static_cast<std::size_t>(j)] / static_cast<float>(group);
      }
    }
    if (vnorm)
      for (Index h = 0; h < out.rows(); ++h)
        for (Index j = sinks; j < in.tokens(); ++j)
          out(h, j) = (out(h, j) + static_cast<float>(epsilon)) * in.values.head(h).row(j).norm();
    out.leftCols(sinks).setConstant(out.rightCols(rest).maxCoeff() + 1);
  }

 private:
  /// The expected attention of one query head, [keys]. Instead of the mean and the covariance of the queries, the keys
  /// have been rotated, backward. Attention divides by the square root of `dim`.
  std::vector<float> expected_weights(MatrixView<const float> queries, MatrixView<const float> keys, float dim) const {
    const RowKernels kernels = row_kernels();
    const detail::Moments moments(queries);
    std::vector<float> logits(static_cast<std::size_t>(keys.rows())), product(static_cast<std::size_t>(keys.cols()));
    kernels.dot_rows(moments.mean.data(), keys, 1 / std::sqrt(dim), logits.data());
    for (Index j = 0; covariance && j < keys.rows(); ++j) {
      std::fill(product.begin(), product.end(), 0.0f);
      kernels.weighted_sum(keys.row(j).data(), view(moments.covariance), product.data());
      float square = 0;
      kernels.dot_rows(product.data(), view(keys.row(j).data(), 1, keys.cols(), keys.cols()), 1 / (2 * dim), &square);
      logits[static_cast<std::size_t>(j)] += square;
    }
    kernels.softmax(logits.data(), keys.rows());
    return logits;
  }
};
static_assert(ScorePolicy<ExpectedAttention>);

}  // namespace kvx::inline v0
