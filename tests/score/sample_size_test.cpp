#include <kvx/score/mcnemar.hpp>
#include <kvx/score/sample_size.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
struct PlanCase {
  PairedPlan plan;
  double discordant;
  std::size_t connor;
  double exact, simulated;  // the exact test's power at Connor's number
  std::size_t samples;
};
// connor: ceil(((norm.isf(alpha / 2) * sqrt(pd) + norm.ppf(power) * sqrt(pd - d * d)) / d) ** 2)
// exact: sum over k of binom.pmf(k, n, pd) * binom.pmf(x, k, (pd + d) / (2 * pd))[2 * binom.cdf(min(x, k - x), k, .5)
//        <= alpha].sum(), with scipy.stats.binom
// simulated: the share of 1e6 draws numpy.random.default_rng(0).multinomial(n, [lost, gained, rest]) whose p is at most
//            alpha; its standard error is 0.0004
const std::vector<PlanCase> kPlans = {
    {{.base = 0.9, .drop = 0.1}, 0.26, 202, 0.773713496150027, 0.774188, 215},
    {{.base = 0.9, .drop = 0.1, .discordant = 0.12}, 0.12, 92, 0.7838056777181975, 0.783349, 95},
    {{.base = 0.9, .drop = 0.1, .discordant = 0.1}, 0.1, 77, 0.794147643950361, 0.794193, 78},
    {{.base = 0.8, .drop = 0.05, .discordant = 0.1}, 0.1, 312, 0.7637935881608197, 0.76405, 337},
    {{.base = 0.95, .drop = 0.02, .discordant = 0.04}, 0.04, 783, 0.7649978066731983, 0.764874, 845},
    {{.base = 0.7, .drop = 0.2}, 0.5, 96, 0.7706918224492764, 0.771665, 103},
    {{.base = 0.5, .drop = 0.4, .discordant = 0.45}, 0.45, 20, 0.773452349789294, 0.773653, 21},
    {{.base = 0.8, .drop = 0.1, .discordant = 0.2, .alpha = 0.05 / 6, .power = 0.9},
     0.2,
     303,
     0.8960335002595856,
     0.896663,
     307},
};
}  // namespace

TEST_CASE("Connor's number is the formula's") {
  for (const PlanCase& c : kPlans) CHECK(connor_samples(c.plan) == c.connor);
  // powerandsamplesize.com's example for the two-sided test
  CHECK(connor_samples({.base = 0.5, .drop = 0.4, .discordant = 0.5}) == 23);
}

TEST_CASE("The exact test's power is scipy's sum, and what a simulation finds") {
  for (const PlanCase& c : kPlans) {
    const double power = mcnemar_power(c.connor, c.plan.drop, c.discordant, c.plan.alpha);
    CHECK(power == doctest::Approx(c.exact).epsilon(1e-9));
    CHECK(std::abs(power - c.simulated) < 0.0018);
  }
}

TEST_CASE("The power is that of kvx's own test") {
  // 20 samples that all differ, each lost with chance 0.8: the sum over how many are.
  double power = 0;
  for (std::size_t lost = 0; lost <= 20; ++lost)
    if (mcnemar(20 - lost, lost) <= 0.05) power += detail::binomial(lost, 20, 0.8);
  CHECK(mcnemar_power(20, 0.6, 1, 0.05) == doctest::Approx(power).epsilon(1e-12));
  CHECK(mcnemar_power(5, 0.9, 0.9, 0.05) == 0);  // five lost answers have p = 1 / 16
  CHECK(mcnemar_power(6, 0.9, 0.9, 0.05) == doctest::Approx(std::pow(0.9, 6)));
  CHECK(mcnemar_power(20'000, 0.3, 0.4, 0.05) == doctest::Approx(1).epsilon(1e-9));
}

TEST_CASE("A plan has enough samples for the exact test") {
  for (const PlanCase& c : kPlans) {
    CHECK(paired_samples(c.plan) == c.samples);
    CHECK(mcnemar_power(c.samples, c.plan.drop, c.discordant, c.plan.alpha) >= c.plan.power);
  }
}

TEST_CASE("Samples that succeed together need fewer") {
  CHECK(independent_discordance(0.9, 0.1) == doctest::Approx(0.26));
  CHECK(independent_discordance(1, 0.3) == doctest::Approx(0.3));
  CHECK(paired_samples({.base = 0.9, .drop = 0.1}) > paired_samples({.base = 0.9, .drop = 0.1, .discordant = 0.2}));
  CHECK(paired_samples({.base = 0.9, .drop = 0.001}) > 1'000'000);
  CHECK(paired_samples({.base = 1, .drop = 0.1}) == 78);        // then all that differ are lost
  CHECK(paired_samples({.base = 0.3, .drop = 0.1 + 0.2}) > 0);  // 0.30000000000000004
}

TEST_CASE("Normal quantiles are scipy's") {  // scipy.stats.norm.ppf
  CHECK(detail::normal_quantile(0.025) == doctest::Approx(-1.9599639845400545).epsilon(1e-12));
  CHECK(detail::normal_quantile(0.8) == doctest::Approx(0.8416212335729143).epsilon(1e-12));
  CHECK(detail::normal_quantile(0.999) == doctest::Approx(3.090232306167813).epsilon(1e-12));
  CHECK(detail::normal_quantile(5e-7) == doctest::Approx(-4.891638475698591).epsilon(1e-12));
  CHECK(detail::normal_quantile(0.5) == 0);
}

TEST_CASE("A plan of what cannot be is an error") {
  const auto refused = [](PairedPlan plan) { return error_of([&] { (void)paired_samples(plan); }); };
  CHECK(refused({.base = 1.2, .drop = 0.1}) == "plan: base: expected 0.000000 to 1.000000, found 1.200000");
  CHECK(refused({.base = 0.5, .drop = 0}) == "plan: drop: expected 0.001000 to 0.500000, found 0.000000");
  CHECK(refused({.base = 0.5, .drop = 0.6}) == "plan: drop: expected 0.001000 to 0.500000, found 0.600000");
  CHECK(refused({.base = 0.9, .drop = 0.1, .discordant = 0.05}) ==
        "plan: discordant: expected 0.100000 to 0.300000, found 0.050000");
  CHECK(refused({.base = 0.9, .drop = 0.1, .discordant = 0.4}) ==
        "plan: discordant: expected 0.100000 to 0.300000, found 0.400000");
  CHECK(refused({.base = 0.9, .drop = 0.1, .alpha = 0}) ==
        "plan: alpha: expected 0.000001 to 0.500000, found 0.000000");
  CHECK(refused({.base = 0.9, .drop = 0.1, .power = 1}) ==
        "plan: power: expected 0.500000 to 0.999000, found 1.000000");
  CHECK(refused({.base = NAN, .drop = 0.1}) == "plan: base: expected 0.000000 to 1.000000, found nan");
}
