#include <kvx/score/statistics/quantile.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using kvx::quantile;

TEST_CASE("Quantiles are interpolated between neighbors, as in numpy") {  // numpy.quantile([1, 2, 4, 8], at)
  const std::vector<double> values = {1, 2, 4, 8};
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 0.1) == doctest::Approx(1.3));
  CHECK(quantile(values, 0.5) == 3);
  CHECK(quantile(values, 0.9) == doctest::Approx(6.8));
  CHECK(quantile(values, 0.95) == doctest::Approx(7.4));
  CHECK(quantile(values, 1) == 8);
  CHECK(quantile(std::vector<double>{5}, 0.3) == 5);
  CHECK(std::isnan(quantile({}, 0.5)));
}

TEST_CASE("Infinite values are allowed") {
  const std::vector<double> values = {1, 2, INFINITY, INFINITY, INFINITY};
  CHECK(quantile(values, 0.25) == 2);
  CHECK(quantile(values, 0.3) == INFINITY);
  CHECK(quantile(values, 0.6) == INFINITY);
  CHECK(quantile(values, 1) == INFINITY);
}
