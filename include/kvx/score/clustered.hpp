#pragma once

#include <kvx/score/interval.hpp>
#include <kvx/score/wilson.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace kvx::inline v0 {

/// Values that go together, such as those of one answer's instructions.
struct Cluster {
  std::size_t n = 0;
  double sum = 0;

  void add(double value) {
    ++n;
    sum += value;
  }
};

/// Values of all clusters.
inline std::size_t values_in(std::span<const Cluster> clusters) {
  std::size_t n = 0;
  for (const Cluster& cluster : clusters) n += cluster.n;
  return n;
}

/// The mean over all values with the interval of its standard error, whose clusters are drawn as wholes. Cochran,
/// "Sampling Techniques" (1977), chapter 6: a ratio of sums. NaN without values, no bounds for one cluster.
inline Interval clustered_mean(std::span<const Cluster> clusters) {
  constexpr double z = 1.959963984540054;
  const auto values = static_cast<double>(values_in(clusters)), n = static_cast<double>(clusters.size());
  double sum = 0, squares = 0;
  for (const Cluster& cluster : clusters) sum += cluster.sum;
  const double mean = sum / values;
  for (const Cluster& cluster : clusters) squares += std::pow(cluster.sum - mean * static_cast<double>(cluster.n), 2);
  const double error = n < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares * n / (n - 1)) / values;
  return {mean, mean - z * error, mean + z * error};
}

/// The same of passes and failures: Wilson's interval for as many values as would have that standard error if they were
/// independent; without any error, for as many as there are clusters.
inline Interval clustered_share(std::span<const Cluster> clusters) {
  constexpr double z = 1.959963984540054;
  const Interval mean = clustered_mean(clusters);
  if (clusters.empty()) return mean;
  const double error = (mean.high - mean.value) / z;
  return wilson_interval(
      mean.value, error > 0 ? mean.value * (1 - mean.value) / (error * error) : static_cast<double>(clusters.size()));
}

}  // namespace kvx::inline v0
