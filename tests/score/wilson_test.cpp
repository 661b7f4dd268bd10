#include <kvx/score/wilson.hpp>

#include <doctest/doctest.h>

#include <cmath>

using kvx::wilson;

TEST_CASE("Wilson's interval has the known values") {  // 95 %, as tables have it
  const kvx::Share half = wilson("m", 50, 100);
  CHECK(half.value == 0.5);
  CHECK(half.n == 100);
  CHECK(half.low == doctest::Approx(0.403831530));
  CHECK(half.high == doctest::Approx(0.596168470));
  CHECK(wilson("m", 8, 10).low == doctest::Approx(0.490162471));
  CHECK(wilson("m", 8, 10).high == doctest::Approx(0.943317823));
}

TEST_CASE("None and all right still leave room") {
  CHECK(wilson("m", 0, 10).low == doctest::Approx(0).epsilon(1e-12));
  CHECK(wilson("m", 0, 10).high == doctest::Approx(0.277532799));
  CHECK(wilson("m", 10, 10).low == doctest::Approx(0.722467201));
  CHECK(wilson("m", 10, 10).high <= 1);
}

TEST_CASE("Of no answers there is no share") {
  CHECK(std::isnan(wilson("m", 0, 0).value));
  CHECK(std::isnan(wilson("m", 0, 0).high));
}
