#pragma once

#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/statistics/student_t.hpp>
#include <kvx/score/statistics/wilson.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace kvx::inline v0 {

/// Values that depend on each other, such as those of all samples about one context.
struct Cluster {
  std::size_t n = 0;
  double sum = 0;
  double squares = 0;  ///< the sum of the squared distances to the cluster's mean

  void add(double value) {
    const double before = n > 0 ? sum / static_cast<double>(n) : value;
    ++n;
    sum += value;
    squares += (value - before) * (value - sum / static_cast<double>(n));  // Welford (1962)
  }
};

/// The number of values in all clusters.
inline std::size_t values_in(std::span<const Cluster> clusters) {
  std::size_t n = 0;
  for (const Cluster& cluster : clusters) n += cluster.n;
  return n;
}

/// The mean over all values; NaN if there are none.
inline double mean_of(std::span<const Cluster> clusters) {
  double sum = 0;
  for (const Cluster& cluster : clusters) sum += cluster.sum;
  return sum / static_cast<double>(values_in(clusters));
}

/// The standard error of the mean if whole clusters are sampled: that of a ratio of sums, with the factor G / (G - 1)
/// for G clusters (Cochran, "Sampling Techniques", 1977, chapter 6). NaN for fewer than two clusters.
inline double standard_error(std::span<const Cluster> clusters) {
  const auto count = static_cast<double>(clusters.size());
  if (count < 2) return std::numeric_limits<double>::quiet_NaN();
  const double mean = mean_of(clusters);
  double squares = 0;
  for (const Cluster& cluster : clusters) {
    const double residual = cluster.sum - mean * static_cast<double>(cluster.n);
    squares += residual * residual;
  }
  return std::sqrt(count / (count - 1) * squares) / static_cast<double>(values_in(clusters));
}

/// The mean with its 95 % interval by Student's t, with one degree of freedom fewer than there are clusters. For fewer
/// than two clusters it has no bounds.
inline Estimate t_interval(std::span<const Cluster> clusters) {
  const double mean = mean_of(clusters);
  if (clusters.size() < 2) return {.value = mean};
  const double half = t_edge(static_cast<double>(clusters.size() - 1)) * standard_error(clusters);
  return {.value = mean, .low = mean - half, .high = mean + half};
}

/// Like t_interval(), but for values 0 and 1; near 0 and 1, t_interval() is too narrow for these. It is Wilson's
/// interval with Student's t, for the number of independent values that would have the same standard error. If that
/// error is 0, it is the interval for as many values as there are clusters.
inline Estimate wilson_t(std::span<const Cluster> clusters) {
  const double mean = mean_of(clusters);
  if (clusters.size() < 2) return {.value = mean};
  constexpr double kRounding = 1e-12;
  const double error = standard_error(clusters), count = static_cast<double>(clusters.size());
  const double effective = error > kRounding ? mean * (1 - mean) / (error * error) : count;
  return wilson_interval(mean, effective, t_edge(count - 1));
}

/// The intraclass correlation by analysis of variance: how similar values of one cluster are. 1 if they are equal, 0 if
/// they differ as much as values of different clusters, below 0 if they differ more. NaN if all values are equal, if no
/// cluster has two values, and if there are fewer than two clusters.
inline double intraclass_correlation(std::span<const Cluster> clusters) {
  const auto count = static_cast<double>(clusters.size()), n = static_cast<double>(values_in(clusters));
  if (count < 2 || n <= count) return std::numeric_limits<double>::quiet_NaN();
  const double mean = mean_of(clusters);
  double between = 0, within = 0, sizes = 0;
  for (const Cluster& cluster : clusters) {
    const auto size = static_cast<double>(cluster.n);
    const double distance = cluster.sum / size - mean;
    between += size * distance * distance;
    within += cluster.squares;
    sizes += size * size;
  }
  constexpr double kRounding = 1e-12;
  if (between + within <= kRounding) return std::numeric_limits<double>::quiet_NaN();
  between /= count - 1;
  within /= n - count;
  const double typical = (n - sizes / n) / (count - 1);
  return (between - within) / (between + (typical - 1) * within);
}

}  // namespace kvx::inline v0
