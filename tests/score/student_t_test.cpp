#include <kvx/score/statistics/student_t.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace kvx;

TEST_CASE("Student's quantiles equal those of tables, from one degree of freedom on") {  // mpmath.betainc, inverted
  CHECK(t_edge(1) == doctest::Approx(12.706204736174705).epsilon(1e-12));
  CHECK(t_edge(2) == doctest::Approx(4.302652729749464).epsilon(1e-12));
  CHECK(t_edge(9) == doctest::Approx(2.2621571627982055).epsilon(1e-12));
  CHECK(t_edge(100) == doctest::Approx(1.9839715185235523).epsilon(1e-12));
  CHECK(t_edge(1e7) == doctest::Approx(1.9599642217672053).epsilon(1e-9));
  CHECK(t_edge(5, 1e-6) == doctest::Approx(28.47847346298421).epsilon(1e-12));
}

TEST_CASE("The tails have their known probabilities") {
  CHECK(t_tails(0, 7) == 1);
  CHECK(t_tails(1, 1) == doctest::Approx(0.5).epsilon(1e-13));                      // Cauchy's
  CHECK(t_tails(3, 2) == doctest::Approx(1 - 3 / std::sqrt(11.0)).epsilon(1e-13));  // 1 - t / sqrt(2 + t^2)
}

TEST_CASE("Without a shift a test rejects as often as its level says, and a large shift is always found") {
  for (const double df : {1.0, 2.0, 5.0, 40.0, 3000.0}) {
    CHECK(t_test_power(0, df) == doctest::Approx(0.05).epsilon(1e-9));
    CHECK(t_test_power(0, df, 0.001) == doctest::Approx(0.001).epsilon(1e-7));
  }
  CHECK(t_test_power(20, 40) == doctest::Approx(1).epsilon(1e-9));
  CHECK(t_test_power(-2, 12) == doctest::Approx(t_test_power(2, 12)).epsilon(1e-12));
}
