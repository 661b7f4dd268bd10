#pragma once

#include "support/rounding.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/isa.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace kvx_test {

/// The largest difference, in units, between rows that a kernel dequantizes and the test's `expanded` rows. In both,
/// code * scale + zero is rounded once or twice, and the product can be twice as large as the largest element. A bias
/// adds the error of its rotation and of two sums.
inline double quantized_units(const kvx::Matrix<double>& expanded, std::span<const float> bias = {}) {
  const double largest = expanded.cwiseAbs().maxCoeff();
  if (bias.empty()) return 4 * largest;
  double longest = 0;
  for (const float x : bias) longest = std::max(longest, std::abs(double{x}));
  return (4 + 2) * largest + 2 * longest * kRotatedUnits;
}

/// The largest error of a product on `path`, in units of its magnitude, in a sum over `terms` channels or rows; 0 if
/// the path multiplies floats without splitting them. AMX splits both factors into two bf16 parts. A split omits 2^-16
/// of its factor, and the omitted product of the low parts is as small. AMX sums 16 pairs in two chains and adds both
/// to the sum, up to three times for each 32 terms.
inline double split_units(kvx::Isa path, double terms) {
  if (path != kvx::Isa::amx) return 0;
  return 3 * 0x1p-16 / kUnitRoundoff + 1.02 * (16 + 1 + 3 * std::ceil(terms / 32));
}

/// The attention of one query in double, and the largest errors of the kernels by a running error analysis (Higham,
/// "Accuracy and Stability of Numerical Algorithms", section 3.3): each rounding changes a number by at most one unit
/// of it. On every path, sums run over channels, and over rows, in ascending order.
struct ExactAttention {
  std::vector<double> weights, weight_errors;  // [rows]; softmax(scale * q . k)
  Eigen::RowVectorXd out, out_errors;          // [head_dim]

  /// Keys and values are [rows, head_dim]. `key_errors` and `value_errors` are the largest differences, in units,
  /// between their elements and those that the kernel on `path` uses.
  ExactAttention(const Eigen::RowVectorXd& query, const kvx::Matrix<double>& keys, const kvx::Matrix<double>& values,
                 double scale, kvx::Isa path, double key_errors = 0, double value_errors = 0)
      : out(Eigen::RowVectorXd::Zero(values.cols())), out_errors(out) {
    constexpr double kExpUnits = 4, kRescaleUnits = kExpUnits + 1;  // exp is within 2 ulp; its product
    const auto rows = static_cast<std::size_t>(keys.rows());
    std::vector<double> scores(rows), units(rows);
    const double score_units = split_units(path, static_cast<double>(query.size())),
                 value_units = split_units(path, static_cast<double>(kvx::kAttentionBlock));
    for (std::size_t j = 0; j < rows; ++j) {
      double sum = 0, magnitudes = 0;
      for (kvx::Index d = 0; d < query.size(); ++d) {
        const double product = query[d] * keys(static_cast<kvx::Index>(j), d);
        sum += product;
        magnitudes += (1 + score_units) * std::abs(product) + std::abs(sum) + std::abs(query[d]) * key_errors;
      }
      scores[j] = scale * sum;
      units[j] = scale * magnitudes + std::abs(scores[j]);
    }
    // Weights are exp(score - highest), rescaled when a block of rows has a new highest score. A register of at least
    // four lanes sums the weights of a block.
    const double highest = *std::max_element(scores.begin(), scores.end());
    const double blocks = std::ceil(static_cast<double>(rows) / static_cast<double>(kvx::kAttentionBlock));
    double total = 0, total_units = 0;
    for (std::size_t j = 0; j < rows; ++j) {
      weights.push_back(std::exp(scores[j] - highest));
      units[j] += highest - scores[j] + kExpUnits + kRescaleUnits * (blocks - 1);
      total += weights[j];
      total_units += weights[j] * units[j];
    }
    total_units = total_units / total + static_cast<double>(kvx::kAttentionBlock) / 4;
    Eigen::RowVectorXd out_units = Eigen::RowVectorXd::Zero(out.size());
    for (std::size_t j = 0; j < rows; ++j) {
      weights[j] /= total;
      const Eigen::RowVectorXd value = values.row(static_cast<kvx::Index>(j));
      out += weights[j] * value;
      out_units.array() +=
          weights[j] * ((units[j] + 1 + value_units) * value.array().abs() + value_errors) + out.array().abs();
    }
    constexpr double kMeanUnits = 2;  // the inverse of the total and its product
    out_units += (total_units + kMeanUnits + blocks - 1) * out.cwiseAbs();
    out_errors = out_units * kUnit;
    for (std::size_t j = 0; j < rows; ++j)
      weight_errors.push_back(weights[j] * (units[j] + total_units + kMeanUnits) * kUnit);
  }

  /// Whether `found` [head_dim] differs from the exact output by no more than these errors.
  template <class Row>
  bool near(const Row& found) const {
    return ((found.template cast<double>() - out).array().abs() <= out_errors.array()).all();
  }

 private:
  static constexpr double kUnit = 1.001 * kUnitRoundoff;  // slightly more, for products of errors
};

}  // namespace kvx_test
