#pragma once

#include <kvx/score/statistics/clustered.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <span>
#include <string>
#include <utility>

namespace kvx::inline v0 {

/// The mean of values grouped by context. Its interval is wilson_t() if the values are `verdicts`, 0 or 1, otherwise
/// t_interval().
inline Estimate estimate_mean(std::string name, std::span<const Cluster> contexts, bool verdicts) {
  Estimate mean = verdicts ? wilson_t(contexts) : t_interval(contexts);
  mean.name = std::move(name);
  mean.n = values_in(contexts);
  mean.contexts = contexts.size();
  mean.error = standard_error(contexts);
  return mean;
}

}  // namespace kvx::inline v0
