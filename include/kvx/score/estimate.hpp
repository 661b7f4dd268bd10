#pragma once

#include <kvx/score/better.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace kvx::inline v0 {

/// A figure estimated from a sample, such as a mean or the change of a mean. An unknown field is NaN, an unknown count
/// 0.
struct Estimate {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  std::string name = {};  ///< of the metric or summary; empty where its place says enough
  double value = kNone;
  std::size_t n = 0;                 ///< answers, or other values behind it
  std::size_t contexts = 0;          ///< contexts that these values are about
  double low = kNone, high = kNone;  ///< ends of the 95 % interval
  double error = kNone;              ///< standard error, with contexts as the units
  double p = kNone;                  ///< two-sided, for the hypothesis that the value is 0
  double holm_p = kNone;             ///< the same, corrected for all tests of the table
  Better better = Better::more;      ///< which values are better

  /// The same estimate in another unit: `factor` times its value, interval and error.
  Estimate scaled(double factor) const {
    Estimate result = *this;
    for (double* const number : {&result.value, &result.low, &result.high, &result.error}) *number *= factor;
    return result;
  }
};

}  // namespace kvx::inline v0
