#include <kvx/score/code_exec/pass_at_k.hpp>

#include <doctest/doctest.h>

#include "support/error_of.hpp"

using kvx::pass_at_k;

TEST_CASE("pass@k equals its exact value as a fraction") {  // float(1 - Fraction(math.comb(n - c, k), math.comb(n, k)))
  CHECK(pass_at_k(10, 3, 1) == doctest::Approx(0.3).epsilon(1e-14));
  CHECK(pass_at_k(10, 3, 5) == doctest::Approx(0.9166666666666666).epsilon(1e-14));
  CHECK(pass_at_k(200, 7, 100) == doctest::Approx(0.9929911172418123).epsilon(1e-14));
  CHECK(pass_at_k(1000, 500, 10) == doctest::Approx(0.9990668121978155).epsilon(1e-14));
  CHECK(pass_at_k(100'000, 3, 1000) == doctest::Approx(0.02970129403488079).epsilon(1e-12));
}

TEST_CASE("pass@k is 1 if fewer than k answers are wrong, and 0 if all are") {
  CHECK(pass_at_k(5, 2, 4) == 1);
  CHECK(pass_at_k(5, 2, 3) < 1);
  CHECK(pass_at_k(5, 5, 1) == 1);
  CHECK(pass_at_k(5, 0, 5) == 0);
}

TEST_CASE("More answers, or more right answers, than there are is an error") {
  CHECK(error_of([] { (void)pass_at_k(5, 1, 0); }) == "pass@k: expected k from 1 to 5, the number of answers, found 0");
  CHECK(error_of([] { (void)pass_at_k(5, 1, 6); }) == "pass@k: expected k from 1 to 5, the number of answers, found 6");
  CHECK(error_of([] { (void)pass_at_k(5, 6, 1); }) == "pass@k: expected at most 5 right answers, found 6");
}
