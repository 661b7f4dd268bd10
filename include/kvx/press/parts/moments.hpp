#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/row_kernels.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds weights[j] * r^T r for each row r of `rows` [n, dim], where j is its index, to `sum` [dim, dim].
inline void add_squares(std::span<const float> weights, MatrixView<const float> rows, Matrix<float>& sum) {
  constexpr Index kBatch = 64;  // rows at a time, so that they stay in the L1 cache
  Matrix<float> channels(rows.cols(), kBatch);
  for (Index first = 0; first < rows.rows(); first += kBatch) {
    const Index count = std::min(kBatch, rows.rows() - first);
    const auto batch = rows_of(rows, first, count);
    channels.leftCols(count) =
        batch.transpose() * view(&weights[static_cast<std::size_t>(first)], 1, count, count).asDiagonal();
    for (Index c = 0; c < rows.cols(); ++c)
      row_kernels().weighted_sum(channels.row(c).data(), batch, sum.row(c).data());
  }
}

/// The mean and the covariance (divided by n, not n - 1) of rows [n, dim].
struct Moments {
  Matrix<float> mean;        // [1, dim]
  Matrix<float> covariance;  // [dim, dim]

  explicit Moments(MatrixView<const float> rows)
      : mean(Matrix<float>::Zero(1, rows.cols())), covariance(Matrix<float>::Zero(rows.cols(), rows.cols())) {
    const std::vector<float> weights(static_cast<std::size_t>(rows.rows()), 1 / static_cast<float>(rows.rows()));
    row_kernels().weighted_sum(weights.data(), rows, mean.data());
    const Matrix<float> centered = rows.rowwise() - mean.row(0);
    add_squares(weights, view(centered), covariance);
  }
};

}  // namespace kvx::inline v0::detail
