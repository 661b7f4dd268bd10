#include <kvx/score/clustered.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kvx;

TEST_CASE("A mean of clusters has the standard error of a ratio of sums") {
  // Values 1 0 | 1 1 1 | 0: the mean is 4 / 6, and the clusters differ from it by -1/3, 1 and -2/3.
  const std::vector<Cluster> clusters = {{2, 1}, {3, 3}, {1, 0}};
  const Interval mean = clustered_mean(clusters);
  CHECK(mean.value == doctest::Approx(2.0 / 3));
  const double error = std::sqrt((1.0 / 9 + 1 + 4.0 / 9) * 3 / 2) / 6;
  CHECK(mean.high - mean.value == doctest::Approx(1.959964 * error));
  CHECK(mean.value - mean.low == doctest::Approx(1.959964 * error));
  CHECK(values_in(clusters) == 6);
}

TEST_CASE("A share of clusters of one is Wilson's, but for the correction of a sample's variance") {
  std::vector<Cluster> clusters;
  for (int i = 0; i < 50; ++i) clusters.push_back({1, i < 10 ? 1.0 : 0.0});
  const Interval share = clustered_share(clusters), wilson = wilson_interval(0.2, 49);
  CHECK(share.low == doctest::Approx(wilson.low));
  CHECK(share.high == doctest::Approx(wilson.high));
}

TEST_CASE("Clusters that are alike within are as many values as clusters, and all alike have an interval") {
  std::vector<Cluster> clusters;
  for (int i = 0; i < 20; ++i) clusters.push_back({5, i < 10 ? 5.0 : 0.0});
  CHECK(clustered_share(clusters).low == doctest::Approx(wilson_interval(0.5, 19).low));
  const std::vector<Cluster> all_right(20, Cluster{3, 3});
  CHECK(clustered_share(all_right).low == doctest::Approx(wilson_interval(1, 20).low));
  CHECK(clustered_share(all_right).high == 1);
}

TEST_CASE("No clusters have no figure, and one has no error") {
  CHECK(std::isnan(clustered_share({}).value));
  const std::vector<Cluster> one = {{4, 1}};
  CHECK(clustered_mean(one).value == 0.25);
  CHECK(std::isnan(clustered_mean(one).low));
  CHECK(clustered_share(one).low == doctest::Approx(wilson_interval(0.25, 1).low));
}
