#pragma once

#include "support/rounding.hpp"

#include <Eigen/Core>

#include <cmath>

namespace kvx_test {

/// The softmax of scores in double, and the largest error of each weight that a kernel computes, in units. A score's
/// difference from the highest is rounded, which changes its exp by as many units as the difference is large. exp
/// itself is within 2 ulp. Then follow the total of these terms, which is summed in double, its inverse and a product.
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
