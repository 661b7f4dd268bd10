#pragma once

#include <cmath>
#include <cstddef>

namespace kvx::inline v0 {

namespace detail {

/// The chance that `k` of `n` draws succeed, each with chance p.
inline double binomial(std::size_t k, std::size_t n, double p) {
  const auto hits = static_cast<double>(k), misses = static_cast<double>(n - k);
  const double orders = std::lgamma(hits + misses + 1) - std::lgamma(hits + 1) - std::lgamma(misses + 1);
  return std::exp(orders + (k > 0 ? hits * std::log(p) : 0) + (k < n ? misses * std::log1p(-p) : 0));
}

}  // namespace detail

/// The chance that mcnemar() of so many samples is at most `alpha` when the cell's share of right answers is `drop`
/// lower than the base's and the two differ on the share `discordant` of the samples: the test's power at each number
/// of samples that differ, weighed with that number's chance, without approximation. 0 < drop <= discordant <= 1.
inline double mcnemar_power(std::size_t samples, double drop, double discordant, double alpha) {
  const double lost = (discordant + drop) / (2 * discordant);  // that a sample which differs is one of the drop
  double power = 0;
  std::size_t rejects = 0;  // so many counts of lost samples at either end are significant
  double tail = 0;          // their chance at one end, were lost and gained equally likely
  for (std::size_t differ = 0; differ <= samples; ++differ) {
    const double even = detail::binomial(rejects, differ, 0.5);
    if (2 * (tail + even) <= alpha) {
      tail += even;
      ++rejects;
    }
    const double weight = detail::binomial(differ, samples, discordant);
    if (weight > 1e-15) {
      const std::size_t most = differ - rejects;  // that are not significant; from here down no chance underflows
      double accepted = 0, chance = detail::binomial(most, differ, lost);
      for (std::size_t k = most + 1; k-- > rejects && chance > 1e-18;) {
        accepted += chance;
        chance *= static_cast<double>(k) / static_cast<double>(differ - k + 1) * (1 - lost) / lost;
      }
      power += weight * (1 - accepted);
    }
    if (rejects > 0) tail -= detail::binomial(rejects - 1, differ, 0.5) / 2;  // of one sample more
  }
  return power;
}

}  // namespace kvx::inline v0
