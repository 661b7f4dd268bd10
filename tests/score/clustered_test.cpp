#include <kvx/score/statistics/clustered.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kvx;

TEST_CASE("A mean of clusters has the standard error of a ratio of sums") {
  // Values 1 0 | 1 1 1 | 0: the mean is 4 / 6, and the clusters differ from it by -1/3, 1 and -2/3.
  const std::vector<Cluster> clusters = {{2, 1}, {3, 3}, {1, 0}};
  const Estimate mean = t_interval(clusters);
  CHECK(mean.value == doctest::Approx(2.0 / 3));
  const double error = std::sqrt((1.0 / 9 + 1 + 4.0 / 9) * 3 / 2) / 6;
  CHECK(standard_error(clusters) == doctest::Approx(error));
  CHECK(mean.high - mean.value == doctest::Approx(4.302652729749464 * error));  // scipy.stats.t.ppf(0.975, 2)
  CHECK(mean.value - mean.low == doctest::Approx(4.302652729749464 * error));
  CHECK(values_in(clusters) == 6);
}

TEST_CASE("For clusters of one value, wilson_t is Wilson's interval with Student's t and one value fewer") {
  std::vector<Cluster> clusters;
  for (int i = 0; i < 50; ++i) clusters.push_back({1, i < 10 ? 1.0 : 0.0});
  const Estimate share = wilson_t(clusters), wilson = wilson_interval(0.2, 49, 2.009575237129235);  // t.ppf(0.975, 49)
  CHECK(share.low == doctest::Approx(wilson.low));
  CHECK(share.high == doctest::Approx(wilson.high));
}

TEST_CASE("Clusters of equal values count as one value each, and equal clusters have an interval, too") {
  std::vector<Cluster> clusters;
  for (int i = 0; i < 20; ++i) clusters.push_back({5, i < 10 ? 5.0 : 0.0});
  const double edge = t_edge(19);
  CHECK(wilson_t(clusters).low == doctest::Approx(wilson_interval(0.5, 19, edge).low));
  const std::vector<Cluster> all_right(20, Cluster{3, 3});
  CHECK(wilson_t(all_right).low == doctest::Approx(wilson_interval(1, 20, edge).low));
  CHECK(wilson_t(all_right).high == 1);
}

TEST_CASE("Without clusters there is no mean, and one cluster has no error and no interval") {
  CHECK(std::isnan(wilson_t({}).value));
  const std::vector<Cluster> one = {{4, 1}};
  for (const Estimate& interval : {t_interval(one), wilson_t(one)}) {
    CHECK(interval.value == 0.25);
    CHECK(std::isnan(interval.low));
    CHECK(std::isnan(interval.high));
  }
  CHECK(std::isnan(standard_error(one)));
  CHECK(std::isnan(intraclass_correlation(one)));
}

TEST_CASE("Values that are equal within their clusters correlate, whatever their magnitude") {
  const auto correlation = [](double shift) {
    std::vector<Cluster> clusters(3);
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 4; ++i) clusters[static_cast<std::size_t>(c)].add(shift + c);
    return intraclass_correlation(clusters);
  };
  CHECK(correlation(0) == doctest::Approx(1));
  CHECK(correlation(1e6) == doctest::Approx(1));
}
