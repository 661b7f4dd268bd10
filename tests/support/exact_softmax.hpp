#pragma once

#include "support/rounding.hpp"

#include <Eigen/Core>

#include <cmath>

namespace kvx_test {

/// The softmax of some scores in double, and by how many units each of the kernels' weights may be off. A score's
/// difference from the highest is rounded, which moves its exp by as many units as the difference is. Then come exp
/// itself, within 2 ulp, the total of such terms, which is summed in double, its inverse and the product.
struct ExactSoftmax {
  Eigen::ArrayXd weights, units;
  double log_total, log_total_units;

  explicit ExactSoftmax(const Eigen::ArrayXd& scores) {
    const Eigen::ArrayXd below = scores.maxCoeff() - scores, exp_units = below + 4;
    weights = (-below).exp();
    log_total = scores.maxCoeff() + std::log(weights.sum());
    weights /= weights.sum();
    log_total_units = (weights * exp_units).sum() + 2;
    units = exp_units + log_total_units;
  }
};

}  // namespace kvx_test
