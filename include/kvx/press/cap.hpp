#pragma once

#include <kvx/core/error.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/parts/cholesky.hpp>
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

/// Keeps the first `sinks` tokens, and the rows that future queries are likely to attend to and whose values the other
/// rows cannot replace. A row is weighted by w = exp(tau (c - max c)), where c is the cosine of its key with the mean
/// query, rotated to the mean of the next `future` positions. Its score is w times the leverage of its value v in a
/// ridge regression, v^T (I + sum of (w + epsilon) v v^T)^-1 v, averaged over the query heads of the KV head.
/// arXiv:2604.25975.
struct CAP {
  static constexpr std::string_view name = "cap", paper = "arXiv:2604.25975";
  double tau = 5;         ///< how sharply weights fall with the cosine
  int future = 512;       ///< positions after the context over which the mean query's rotation is averaged
  int sinks = 4;          ///< tokens at the beginning that stay; their queries, keys and values are left out
  double epsilon = 1e-6;  ///< added to every weight in the regression
  static constexpr auto parameters() {
    return std::tuple(Parameter{"tau", &CAP::tau}, Parameter{"future", &CAP::future, "n_future_positions"},
                      Parameter{"sinks", &CAP::sinks, "n_sink"}, Parameter{"epsilon", &CAP::epsilon});
  }
  void validate() const {
    detail::expect_at_least(name, "tau", 0, tau);
    detail::expect_at_least(name, "future", 1, future);
    detail::expect_at_least(name, "sinks", 0, sinks);
    detail::expect_at_least(name, "epsilon", 0, epsilon);
  }

  Needs needs() const { return {.pre_rope_queries = true}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    const Index rest = in.tokens() - sinks, group = in.pre_rope_queries.heads() / in.kv_heads();
    if (rest <= 0)
      throw NotApplicable("cap", "a context of " + std::to_string(in.tokens()) + " tokens is not longer than its " +
                                     std::to_string(sinks) + " sinks");
    const detail::MeanRotation rotation(in, future);
    out.setZero();
    for (Index i = 0; i < in.pre_rope_queries.heads(); ++i) {
      const auto query =
          mean_query(in.pre_rope_queries.tokens(sinks, in.pre_rope_queries.tokens() - sinks).head(i), rotation);
      const auto weights = key_weights(query, in.keys.tokens(sinks, rest).head(i / group));
      const auto leverages = value_leverages(weights, in.values.tokens(sinks, rest).head(i / group));
      for (std::size_t j = 0; j < weights.size(); ++j)
        out(i / group, sinks + static_cast<Index>(j)) += weights[j] * leverages[j] / static_cast<float>(group);
    }
    out.leftCols(sinks).setConstant(out.rightCols(rest).maxCoeff() + 1);
  }

 private:
  using Floats = std::vector<float>;

  /// The sum of the queries [tokens, head_dim], rotated. Only its direction is used.
  static Floats mean_query(MatrixView<const float> queries, const detail::MeanRotation& rotation) {
    Floats mean(static_cast<std::size_t>(queries.cols()));
    row_kernels().weighted_sum(Floats(static_cast<std::size_t>(queries.rows()), 1.0f).data(), queries, mean.data());
    const auto half = mean.begin() + queries.cols() / 2;
    std::swap_ranges(mean.begin(), half, half);  // with the halves swapped, rotate_back() rotates forward
    rotation.rotate_back(mean.data());
    std::swap_ranges(mean.begin(), half, half);
    return mean;
  }
  /// exp(tau (c - max c)) for the cosines c of the query with the keys.
  Floats key_weights(const Floats& query, MatrixView<const float> keys) const {
    Floats weights(static_cast<std::size_t>(keys.rows()));
    const auto length = view(query.data(), 1, keys.cols(), keys.cols()).norm();
    row_kernels().dot_rows(query.data(), keys, 1 / length, weights.data());
    for (Index j = 0; j < keys.rows(); ++j) weights[static_cast<std::size_t>(j)] /= keys.row(j).norm();
    const float highest = *std::max_element(weights.begin(), weights.end());
    for (float& weight : weights) weight = std::exp(static_cast<float>(tau) * (weight - highest));
    return weights;
  }
  /// v^T (I + sum of (weight + epsilon) v v^T)^-1 v for each value v.
  Floats value_leverages(Floats weights, MatrixView<const float> values) const {
    for (float& weight : weights) weight += static_cast<float>(epsilon);
    Matrix<float> moment = Matrix<float>::Identity(values.cols(), values.cols());
    detail::add_squares(weights, values, moment);
    // With the Cholesky factor L, moment = L L^T, the leverage is |L^-1 v|^2.
    Matrix<double> root = moment.cast<double>();
    detail::invert_root(root);
    const Matrix<float> whiten = root.transpose().cast<float>();
    Floats leverages(weights.size());
    Matrix<float> white(1, values.cols());
    for (Index j = 0; j < values.rows(); ++j) {
      white.setZero();
      row_kernels().weighted_sum(values.row(j).data(), view(whiten), white.data());
      leverages[static_cast<std::size_t>(j)] = white.squaredNorm();
    }
    return leverages;
  }
};
static_assert(ScorePolicy<CAP>);

}  // namespace kvx::inline v0
