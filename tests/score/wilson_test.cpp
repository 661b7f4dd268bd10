#include <kvx/score/statistics/wilson.hpp>

#include <doctest/doctest.h>

using kvx::wilson_interval;

TEST_CASE("Wilson's interval has the known values") {  // 95 %, from tables
  constexpr double z = 1.959963984540054;
  CHECK(wilson_interval(0.5, 100, z).low == doctest::Approx(0.403831530));
  CHECK(wilson_interval(0.5, 100, z).high == doctest::Approx(0.596168470));
  CHECK(wilson_interval(0.8, 10, z).low == doctest::Approx(0.490162471));
  CHECK(wilson_interval(0.8, 10, z).high == doctest::Approx(0.943317823));
  CHECK(wilson_interval(0, 10, z).low == doctest::Approx(0).epsilon(1e-12));
  CHECK(wilson_interval(0, 10, z).high == doctest::Approx(0.277532799));
  CHECK(wilson_interval(1, 10, z).low == doctest::Approx(0.722467201));
  CHECK(wilson_interval(1, 10, z).high <= 1);
}
