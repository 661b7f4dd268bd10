#include <kvx/score/statistics/holm.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "support/error_of.hpp"

using kvx::holm;

TEST_CASE("Adjusted p values equal statsmodels'") {  // multipletests(p, method="holm")[1]
  const std::vector<double> p = {0.04, 0.001, 0.04, 0.2, 0.013, 0.9, 0.00002};
  const std::vector<double> expected = {0.16, 0.006, 0.16, 0.4, 0.065, 0.9, 0.00014};
  const auto adjusted = holm(p);
  REQUIRE(adjusted.size() == p.size());
  for (std::size_t i = 0; i < p.size(); ++i) CHECK(adjusted[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}

TEST_CASE("A larger p is not adjusted to a smaller value, and none to more than 1") {
  const auto adjusted = holm(std::vector<double>{0.01, 0.04, 0.03, 0.005});  // 2 * 0.03 is more than 1 * 0.04
  CHECK(adjusted[1] == doctest::Approx(0.06));
  CHECK(adjusted[2] == doctest::Approx(0.06));
  CHECK(holm(std::vector<double>{0.6, 0.7}) == std::vector<double>{1, 1});
  CHECK(holm(std::vector<double>{0.03}) == std::vector<double>{0.03});
  CHECK(holm({}).empty());
}

TEST_CASE("A value that is not a probability is an error") {
  CHECK(error_of([] { (void)holm(std::vector<double>{0.1, NAN}); }) == "p value 1: expected 0 to 1, found nan");
  CHECK(error_of([] { (void)holm(std::vector<double>{-0.5}); }) == "p value 0: expected 0 to 1, found -0.500000");
  CHECK(error_of([] { (void)holm(std::vector<double>{1.5}); }) == "p value 0: expected 0 to 1, found 1.500000");
}
