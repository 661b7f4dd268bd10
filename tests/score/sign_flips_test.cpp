#include <kvx/core/split_mix.hpp>
#include <kvx/score/statistics/sign_flips.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "support/error_of.hpp"

using kvx::sign_flip_p;

TEST_CASE("If all contexts lose, only two patterns of signs are as far from 0") {
  CHECK(sign_flip_p(std::vector<double>{-3, -1}) == 0.5);
  CHECK(sign_flip_p(std::vector<double>(5, -2.0)) == 2.0 / 32);
  CHECK(sign_flip_p(std::vector<double>(6, -0.1)) == 2.0 / 64);
  CHECK(sign_flip_p(std::vector<double>(15, 0.1)) == 2.0 / 32768);
}

TEST_CASE("p of whole numbers is exact for any number of contexts, and equals the enumeration of their halves") {
  const std::vector<double> whole = {4, -1, 3, 2, 0, -2, 5}, halves = {2, -0.5, 1.5, 1, 0, -1, 2.5};
  CHECK(sign_flip_p(whole) == sign_flip_p(halves));
  // McNemar's exact p of 40 pairs that differ, 11 the other way: scipy.stats.binomtest(11, 40).pvalue
  std::vector<double> pairs(40, 1.0);
  for (std::size_t i = 0; i < 11; ++i) pairs[i] = -1;
  pairs.resize(2000, 0);  // pairs that do not differ do not count
  CHECK(sign_flip_p(pairs) == doctest::Approx(0.006426576095691416).epsilon(1e-12));
}

TEST_CASE("A sum that is not finite has no p") {
  CHECK(error_of([] { sign_flip_p(std::vector<double>{1, NAN, 1}); }) == "sign flips: expected finite sums, found nan");
  CHECK_THROWS_AS(sign_flip_p(std::vector<double>(20, INFINITY)), kvx::Error);
}

TEST_CASE("p of many decimals is estimated, close to that of the same whole numbers, and always the same") {
  std::vector<double> whole, decimals;
  for (int i = 0; i < 40; ++i) {
    whole.push_back(i % 5 - 1.0);
    decimals.push_back(0.3 * whole.back());
  }
  const double exact = sign_flip_p(whole), drawn = sign_flip_p(decimals);
  CHECK(std::abs(drawn - exact) < 5 * std::sqrt(exact * (1 - exact) / 200'000));
  CHECK(drawn == sign_flip_p(decimals));
  CHECK(sign_flip_p(std::vector<double>(40, 0.1)) == 1.0 / 200'001);
}

TEST_CASE("Random patterns of signs give the same p as summing each pattern separately") {
  const auto p_of = [](std::size_t count) {
    kvx::SplitMix64 random(count);
    std::vector<double> sums(count);
    for (double& sum : sums) sum = random.uniform() - 0.5;
    return sign_flip_p(sums);
  };
  // The expected values are from summing each pattern separately.
  CHECK(p_of(16) == 0.74508127459362705);
  CHECK(p_of(63) == 0.70836145819270901);
  CHECK(p_of(64) == 0.58724206378968102);
  CHECK(p_of(65) == 0.85436572817135914);
  CHECK(p_of(1000) == 0.16858915705421473);
}

TEST_CASE("The scale of the differences does not matter, and rounding does not make a sum larger") {
  std::vector<double> sums = {0.1, 0.2, -0.3, 0.4};
  const double p = sign_flip_p(sums);
  for (double& sum : sums) sum *= 1e-9;
  CHECK(sign_flip_p(sums) == p);
  CHECK(sign_flip_p(std::vector<double>{0.1, 0.2, -0.3}) == 1);  // the sum is 0 but for rounding
}

TEST_CASE("One context has no p, and without a change p is 1") {
  CHECK(std::isnan(sign_flip_p({})));
  CHECK(std::isnan(sign_flip_p(std::vector<double>{-1})));
  CHECK(sign_flip_p(std::vector<double>{0, 0}) == 1);
}
