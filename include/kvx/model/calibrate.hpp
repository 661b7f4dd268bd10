#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/workspace.hpp>
#include <kvx/press/parts/moments.hpp>
#include <kvx/press/policy.hpp>

#include <Eigen/Eigenvalues>

#include <cstddef>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Data about a model that some presses read from files.
struct Calibration {
  Matrix<float> head_scores;  ///< for DuoAttention: how far back heads look, [layers, kv_heads]
  Matrix<float> filters;      ///< for QFilter: [layers kv_heads, head_dim]
};

namespace detail {

/// How far back the query heads of one KV head look. `queries` [group, head_dim] are at the last of `length`
/// positions, all of which have the same `key` [1, head_dim]; both are given before RoPE. Attention multiplies q.k by
/// `scale`. The score is 1 if all attention goes to the first position, and 1 / length if it goes to the last.
inline double head_score(Matrix<float> queries, const Matrix<float>& key, const RopeTable& rope, Index length,
                         float scale) {
  Matrix<float> keys = key.replicate(length, 1);
  for (Index t = 0; t < length; ++t) rope.rotate(t, keys.row(t).data());
  std::vector<float> weights(static_cast<std::size_t>(length));
  double score = 0;
  for (Index i = 0; i < queries.rows(); ++i) {
    rope.rotate(length - 1, queries.row(i).data());
    row_kernels().dot_rows(queries.row(i).data(), view(std::as_const(keys)), scale, weights.data());
    row_kernels().softmax(weights.data(), length);
    // For each position, the attention to all positions up to it; their mean is the score.
    for (Index t = 0; t < length; ++t)
      score += static_cast<double>(weights[static_cast<std::size_t>(t)]) * static_cast<double>(length - t);
  }
  return score / static_cast<double>(length * queries.rows());
}

/// The main direction of queries, as a vector of length 1: the first right singular vector of the matrix of all
/// queries. Of its two signs, it has the one that points away from `sum`, their sum. `squares` is the sum of q^T q.
inline Eigen::RowVectorXf filter_of(const Matrix<float>& squares, const Eigen::RowVectorXf& sum) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(squares);  // ascending
  const Eigen::RowVectorXf direction = solver.eigenvectors().rightCols(1).transpose();
  return direction.dot(sum) > 0 ? -direction : direction;
}

}  // namespace detail

/// Estimates the data that presses read from files, from the queries and keys of `texts`. Head scores are computed as
/// in kvpress, whereas the paper learns them: the head_score() of each text's mean query and mean key before RoPE, over
/// `positions` positions; then the mean over the texts. The filter of a KV head is the mean of its query heads' filters
/// by the paper, with the sign of the published ones. Calls on_progress(fraction done). Throws Error if there are no
/// texts, and like prefill().
inline Calibration calibrate(const Decoder& model, std::span<const std::span<const Token>> texts, Index positions,
                             Threads& threads, const std::function<void(double)>& on_progress = {}) {
  if (texts.empty()) throw Error("texts", "expected at least one, found none");
  if (positions < 1) throw Error("positions", "expected at least 1, found " + std::to_string(positions));
  const ModelConfig& config = model.config();
  const Index group = config.heads / config.kv_heads, dim = config.head_dim;
  std::vector<Position> position_list(static_cast<std::size_t>(positions));
  std::iota(position_list.begin(), position_list.end(), 0);
  RopeTables ropes;
  model.fill(ropes, position_list);
  Matrix<double> scores = Matrix<double>::Zero(config.layers, config.kv_heads);
  Matrix<float> sums = Matrix<float>::Zero(config.layers * config.heads, dim);
  std::vector<Matrix<float>> squares(static_cast<std::size_t>(sums.rows()), Matrix<float>::Zero(dim, dim));

  double layers_done = 0;
  for (const auto text : texts) {
    const std::vector<float> ones(text.size(), 1);
    const auto add_layer = [&](const PressInput& in, const LayerCache&) {
      threads.parallel_for(config.kv_heads, 1, [&](Index begin, Index end) {
        for (Index h = begin; h < end; ++h) {
          Matrix<float> means(group, dim);
          for (Index i = 0; i < group; ++i) {
            const Index head = h * group + i, index = in.layer * config.heads + head;
            means.row(i) = in.pre_rope_queries.head(head).colwise().mean();
            sums.row(index) += in.queries.head(head).colwise().sum();
            detail::add_squares(ones, in.queries.head(head), squares[static_cast<std::size_t>(index)]);
          }
          scores(in.layer, h) += detail::head_score(std::move(means), in.pre_rope_keys.head(h).colwise().mean(),
                                                    model.table(ropes, in.layer), positions, in.attention_scale());
        }
      });
      if (on_progress) on_progress(++layers_done / static_cast<double>(texts.size()) / static_cast<double>(in.layers));
    };
    prefill(model, text, {.queries = kAllTokens, .pre_rope_queries = true, .pre_rope_keys = true}, Dtype::f32, threads,
            add_layer);
  }

  Calibration result{(scores / static_cast<double>(texts.size())).cast<float>(),
                     Matrix<float>::Zero(config.layers * config.kv_heads, dim)};
  for (Index head = 0; head < sums.rows(); ++head)
    result.filters.row(head / group) +=
        detail::filter_of(squares[static_cast<std::size_t>(head)], sums.row(head)) / static_cast<float>(group);
  return result;
}

}  // namespace kvx::inline v0
