#pragma once

#include <kvx/score/better.hpp>
#include <kvx/score/clustered.hpp>
#include <kvx/score/interval.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// A mean over answers with its 95 % interval; values that do not exist are NaN.
struct Share {
  std::string name;
  double value = std::numeric_limits<double>::quiet_NaN();
  std::size_t n = 0;         ///< answers
  std::size_t contexts = 0;  ///< contexts that these answers are about
  double low = std::numeric_limits<double>::quiet_NaN(), high = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();  ///< standard error, with contexts as the units
  Better better = Better::more;                             ///< which values are better
};

/// The mean of values grouped by context. Its interval is wilson_t() if the values are `verdicts`, 0 or 1, else
/// t_interval().
inline Share share_of(std::string name, std::span<const Cluster> contexts, bool verdicts) {
  const Interval interval = verdicts ? wilson_t(contexts) : t_interval(contexts);
  return {std::move(name), interval.value, values_in(contexts),     contexts.size(),
          interval.low,    interval.high,  standard_error(contexts)};
}

}  // namespace kvx::inline v0
