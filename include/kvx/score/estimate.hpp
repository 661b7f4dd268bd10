#pragma once

#include <kvx/score/better.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace kvx::inline v0 {

/// A figure that was estimated from a sample, such as a mean or the change of one. A field that is not known is NaN, or
/// 0 for a count.
struct Estimate {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  std::string name = {};  ///< of the metric or summary; empty where the place says it
  double value = kNone;
  std::size_t n = 0;                 ///< answers, or other values behind it
  std::size_t contexts = 0;          ///< contexts that these are about
  double low = kNone, high = kNone;  ///< ends of the 95 % interval
  double error = kNone;              ///< standard error, with contexts as the units
  double p = kNone,
         holm_p = kNone;         ///< two-sided, of the value being 0; the same, corrected for all tests of the table
  Better better = Better::more;  ///< which values are better
};

}  // namespace kvx::inline v0
