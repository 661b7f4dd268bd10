#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/row_kernels.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// Mean and covariance (over n, not n - 1) of rows [n, dim].
struct Moments {
  std::vector<float> mean;   // [dim]
  Matrix<float> covariance;  // [dim, dim]

  explicit Moments(MatrixView<const float> rows)
      : mean(static_cast<std::size_t>(rows.cols())), covariance(Matrix<float>::Zero(rows.cols(), rows.cols())) {
    const RowKernels& kernels = row_kernels();
    const std::vector<float> weights(static_cast<std::size_t>(rows.rows()), 1 / static_cast<float>(rows.rows()));
    kernels.weighted_sum(weights.data(), rows, mean.data());
    Matrix<float> centered = rows;
    for (Index t = 0; t < rows.rows(); ++t)
      for (Index c = 0; c < rows.cols(); ++c) centered(t, c) -= mean[static_cast<std::size_t>(c)];
    std::vector<float> channel(weights.size());
    for (Index c = 0; c < rows.cols(); ++c) {
      for (Index t = 0; t < rows.rows(); ++t)
        channel[static_cast<std::size_t>(t)] = centered(t, c) * weights[static_cast<std::size_t>(t)];
      kernels.weighted_sum(channel.data(), view(std::as_const(centered)), covariance.row(c).data());
    }
  }
};

}  // namespace kvx::inline v0::detail
