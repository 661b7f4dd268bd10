#pragma once

#include <limits>

namespace kvx::inline v0 {

/// A figure with its 95 % interval; NaN where there is none.
struct Interval {
  double value = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN(), high = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace kvx::inline v0
