#include <kvx/score/statistics/bootstrap.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
const std::vector<double> kBefore = {0.9, 0.4, 0.7, 0.1, 0.8, 0.55, 0.3, 0.95, 0.6, 0.2};
const std::vector<double> kAfter = {0.7, 0.45, 0.35, 0.1, 0.6, 0.5, 0.1, 0.9, 0.65, 0.05};
}  // namespace

TEST_CASE("Many resamples give scipy's interval") {
  // scipy.stats.bootstrap((before, after), lambda x, y, axis: np.mean(y - x, axis), paired=True, method="percentile",
  //                       n_resamples=1000000): its means are 0.005 apart
  const std::array<std::size_t, 1> sizes = {kBefore.size()};
  const auto difference = [](Resample drawn) -> std::optional<double> {
    double sum = 0;
    for (const std::size_t i : drawn[0]) sum += kAfter[i] - kBefore[i];
    return sum / 10;
  };
  const Estimate found = bootstrap(sizes, difference, {.resamples = 200'000});
  CHECK(found.value == doctest::Approx(-0.11).epsilon(1e-12));
  CHECK(found.low == doctest::Approx(-0.19).epsilon(1e-12));
  CHECK(found.high == doctest::Approx(-0.035).epsilon(1e-12));
}

TEST_CASE("An end of an interval is the smallest value that its fraction of the resamples does not exceed") {
  std::vector<double> sorted(40);
  for (std::size_t i = 0; i < sorted.size(); ++i) sorted[i] = static_cast<double>(i + 1);
  CHECK(detail::percentile(sorted, 0.025) == 1);
  CHECK(detail::percentile(sorted, 0.0251) == 2);
  CHECK(detail::percentile(sorted, 0.975) == 39);
  CHECK(detail::percentile(sorted, 1) == 40);
}

TEST_CASE("A seed always gives the same interval, and another seed gives another one") {
  const std::array<std::size_t, 1> sizes = {kBefore.size()};
  const auto variance = [](Resample drawn) -> std::optional<double> {
    double sum = 0, squares = 0;
    for (const std::size_t i : drawn[0]) {
      sum += kBefore[i];
      squares += kBefore[i] * kBefore[i];
    }
    return squares / 10 - sum * sum / 100;
  };
  CHECK(bootstrap(sizes, variance, {.seed = 3}).low == bootstrap(sizes, variance, {.seed = 3}).low);
  CHECK(bootstrap(sizes, variance, {.seed = 3}).low != bootstrap(sizes, variance, {.seed = 4}).low);
}

TEST_CASE("Each set of units is resampled separately, with its own size") {
  const std::array<std::size_t, 2> sizes = {3, 50};
  std::size_t calls = 0;
  bool same_draws = true;
  const auto statistic = [&](Resample drawn) -> std::optional<double> {
    CHECK(drawn[0].size() == 3);
    CHECK(drawn[1].size() == 50);
    if (calls++ == 0) CHECK(drawn[0] == std::vector<std::size_t>{0, 1, 2});  // the first call has all units
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(drawn[0][i] < 3);
      same_draws = same_draws && drawn[0][i] == drawn[1][i];
    }
    return 0;
  };
  (void)bootstrap(sizes, statistic, {.resamples = 20});
  CHECK(calls == 21);
  CHECK_FALSE(same_draws);
}

TEST_CASE("Resamples without a value are counted and left out") {
  // 1 / the number of draws of sample 0 of 5: no value in (4 / 5)^5 = 32.8 % of the resamples
  const std::array<std::size_t, 1> sizes = {5};
  const auto inverse = [](Resample drawn) -> std::optional<double> {
    const auto count = std::count(drawn[0].begin(), drawn[0].end(), std::size_t{0});
    if (count == 0) return std::nullopt;
    return 1 / static_cast<double>(count);
  };
  const Estimate found = bootstrap(sizes, inverse, {.resamples = 100'000});
  CHECK(found.value == 1);
  CHECK(std::abs(static_cast<double>(detail::resample(sizes, inverse, {.resamples = 100'000}).undefined) / 100'000 -
                 0.32768) < 0.006);
  CHECK(found.low == doctest::Approx(1.0 / 3));  // of the other resamples 8.6 % have 3 draws or more, 0.96 % four
  CHECK(found.high == 1);
  const auto never = bootstrap(sizes, [](Resample) { return std::optional<double>(); });
  CHECK(std::isnan(never.value));
  CHECK(std::isnan(never.low));
  CHECK(std::isnan(never.high));
  CHECK(error_of([&] { (void)bootstrap(sizes, [](Resample) { return std::optional<double>(NAN); }); }) ==
        "bootstrap: expected a statistic that is a number, found NaN");
}

TEST_CASE("A bootstrap of an empty set is an error") {
  const std::array<std::size_t, 2> sizes = {3, 0};
  CHECK(error_of([&] { (void)bootstrap(sizes, [](Resample) { return std::optional<double>(1); }); }) ==
        "bootstrap: expected at least 1 unit in each set, found none");
}
