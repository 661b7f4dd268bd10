#include <kvx/score/mcnemar.hpp>

#include <doctest/doctest.h>

using kvx::mcnemar;

TEST_CASE("McNemar's exact p is the binomial's two tails") {
  CHECK(mcnemar(0, 5) == doctest::Approx(2.0 / 32));
  CHECK(mcnemar(5, 0) == mcnemar(0, 5));
  CHECK(mcnemar(1, 9) == doctest::Approx(2.0 * 11 / 1024));
  CHECK(mcnemar(3, 7) == doctest::Approx(2.0 * 176 / 1024));
}

TEST_CASE("An even split and no difference say nothing") {
  CHECK(mcnemar(0, 0) == 1);
  CHECK(mcnemar(4, 4) == 1);
  CHECK(mcnemar(4, 5) == doctest::Approx(1));
}

TEST_CASE("Many pairs stay finite") {
  CHECK(mcnemar(0, 100'000) == 0);
  CHECK(mcnemar(49'800, 50'200) == doctest::Approx(0.207).epsilon(0.01));
}
