#pragma once

#include <kvx/score/statistics/better.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace kvx::inline v0 {

/// A figure estimated from a sample, such as a mean or the change of a mean. An unknown number is NaN, an unknown count
/// is 0.
struct Estimate {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  std::string name = {};  ///< of the metric or summary; may be empty
  double value = kNone;
  std::size_t n = 0;                 ///< number of answers, or of other values, that it is computed from
  std::size_t contexts = 0;          ///< number of contexts that these values are about
  double low = kNone, high = kNone;  ///< ends of the 95 % interval
  double error = kNone;              ///< standard error, with contexts as the units
  double p = kNone;                  ///< two-sided p-value of the hypothesis that the value is 0
  double holm_p = kNone;             ///< p with Holm's correction for all tests of the table
  Better better = Better::more;      ///< which values are better

  /// The same estimate in another unit: value, interval and error times `factor`.
  Estimate scaled(double factor) const {
    Estimate result = *this;
    for (double* const number : {&result.value, &result.low, &result.high, &result.error}) *number *= factor;
    return result;
  }
};

}  // namespace kvx::inline v0
