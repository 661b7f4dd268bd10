#include <kvx/score/sds.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
const std::vector<double> kWorks = {1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1};
const std::vector<double> kBreaks = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
const std::vector<PairedLoss> kRise = {
    {210.5, 214, 100}, {98, 97.5, 50}, {330, 341, 150}, {75.25, 78, 40}, {180, 183.5, 90}};
const std::vector<PairedLoss> kFall = {{210.5, 209, 100}, {98, 97.5, 50}};

/// So many right answers, of which the cell loses some.
SilentDegradation of_counts(std::size_t samples, std::size_t lost, const std::vector<PairedLoss>& texts) {
  const std::vector<double> base(samples, 1);
  std::vector<double> cell = base;
  std::fill_n(cell.begin(), lost, 0);
  return silent_degradation(base, cell, texts);
}
}  // namespace

TEST_CASE("The silent degradation score is what numpy makes of the same resamples") {
  // SplitMix64 and the draws written in Python, samples before texts; quantiles as quantile() has them
  const SilentDegradation found = silent_degradation(kWorks, kBreaks, kRise);
  CHECK(found.state == Degradation::measured);
  CHECK(found.score.value == doctest::Approx(13.197222293048418).epsilon(1e-12));
  CHECK(found.score.low == doctest::Approx(6.610587268017941).epsilon(1e-12));
  CHECK(found.score.high == doctest::Approx(37.88126622845192).epsilon(1e-12));
  CHECK(found.drop.value == doctest::Approx(7.0 / 11).epsilon(1e-12));
  CHECK(found.drop.low == doctest::Approx(1.0 / 3).epsilon(1e-12));
  CHECK(found.drop.high == doctest::Approx(10.0 / 11).epsilon(1e-12));
  CHECK(found.rise.value == doctest::Approx(0.04821951333644189).epsilon(1e-12));
  CHECK(found.rise.low == doctest::Approx(0.01651418663582556).epsilon(1e-12));
  CHECK(found.rise.high == doctest::Approx(0.06818126167708863).epsilon(1e-12));
  CHECK(found.p == doctest::Approx(0.015625));  // scipy.stats.binomtest(0, 7).pvalue
  CHECK(found.quality == doctest::Approx(0.9539986494022029).epsilon(1e-12));
}

TEST_CASE("Many resamples come to scipy's interval of two sets drawn apart") {
  // scipy.stats.bootstrap((np.arange(12), np.arange(5)), score, method="percentile", n_resamples=100000): two seeds
  // give (6.43, 35.32) and (6.48, 35.11)
  const auto score = silent_degradation(kWorks, kBreaks, kRise, {.resamples = 100'000}).score;
  CHECK(score.low == doctest::Approx(6.456).epsilon(0.01));
  CHECK(score.high == doctest::Approx(35.22).epsilon(0.02));
}

TEST_CASE("Function that breaks while perplexity does not rise is maximally silent") {
  const SilentDegradation found = silent_degradation(kWorks, kBreaks, kFall);
  CHECK(found.state == Degradation::silent);
  CHECK(found.score.value == INFINITY);
  CHECK(found.score.low == INFINITY);
  CHECK(found.rise.value == doctest::Approx(std::expm1(-2.0 / 150)));
  CHECK(found.quality > 1);
  std::vector<PairedLoss> same = kFall;
  for (PairedLoss& text : same) text.cell_nll = text.base_nll;
  CHECK(silent_degradation(kWorks, kBreaks, same).state == Degradation::silent);
}

TEST_CASE("What does not get worse counts as 0") {
  const SilentDegradation none = silent_degradation(kBreaks, kWorks, kFall);
  CHECK(none.state == Degradation::none);
  CHECK(none.score.value == 0);
  CHECK(none.score.high == 0);
  CHECK(none.drop.value == doctest::Approx(-7.0 / 4));
  CHECK(silent_degradation(kWorks, kWorks, kFall).state == Degradation::none);
  const SilentDegradation holds = silent_degradation(kWorks, kWorks, kRise);
  CHECK(holds.state == Degradation::perplexity_only);
  CHECK(holds.score.value == 0);
}

TEST_CASE("Nothing is lost of nothing") {
  const std::vector<double> nothing(12);
  const SilentDegradation found = silent_degradation(nothing, kBreaks, kRise);
  CHECK(found.state == Degradation::undefined);
  CHECK(std::isnan(found.score.value));
  CHECK(std::isnan(found.drop.low));
  CHECK(found.score.undefined == 2000);
  std::vector<double> little = nothing;  // (11 / 12)^12 = 35 % of the resamples have nothing
  little[0] = 1;
  CHECK(std::abs(static_cast<double>(silent_degradation(little, nothing, kRise).drop.undefined) / 2000 - 0.352) < 0.04);
}

TEST_CASE("A drop that chance explains is not called one") {
  CHECK(of_counts(1000, 3, kRise).drop.low == 0);
  const SilentDegradation four = of_counts(1000, 4, kRise);  // the interval leaves out 0, the exact test has p = 1 / 8
  CHECK(four.drop.low > 0);
  CHECK(four.p == doctest::Approx(0.125));
  CHECK(four.state == Degradation::too_few);
  CHECK(of_counts(5, 5, kRise).state == Degradation::too_few);
  CHECK(of_counts(1000, 6, kRise).state == Degradation::measured);
  // Twenty lose little and one wins much: the test, which sees only signs, finds a drop, and the interval does not.
  std::vector<double> base(40, 0.5), cell = base;
  std::fill_n(cell.begin(), 20, 0.49);
  cell[20] = 0.6;
  const SilentDegradation offset = silent_degradation(base, cell, kRise);
  CHECK(offset.p < 0.05);
  CHECK(offset.drop.value > 0);
  CHECK(offset.drop.low < 0);
  CHECK(offset.state == Degradation::too_few);
}

TEST_CASE("Each state has its words") {
  CHECK(written(Degradation::undefined) == "undefined");
  CHECK(written(Degradation::none) == "no degradation");
  CHECK(written(Degradation::perplexity_only) == "perplexity only");
  CHECK(written(Degradation::too_few) == "too few samples");
  CHECK(written(Degradation::silent) == "maximally silent");
  CHECK(written(Degradation::measured) == "measured");
}

TEST_CASE("Values that are no shares, and samples that are not the same, are errors") {
  CHECK(error_of([] { (void)silent_degradation({}, {}, kRise); }) ==
        "silent degradation: expected the same samples of base and cell, found 0 and 0");
  CHECK(error_of([] { (void)silent_degradation(kWorks, std::vector<double>(3), kRise); }) ==
        "silent degradation: expected the same samples of base and cell, found 12 and 3");
  CHECK(error_of([] { (void)silent_degradation(std::vector<double>{1}, std::vector<double>{NAN}, kRise); }) ==
        "silent degradation: cell's sample 0: expected 0 to 1, found nan");
  CHECK(error_of([] { (void)silent_degradation(std::vector<double>{1.5}, std::vector<double>{1}, kRise); }) ==
        "silent degradation: base's sample 0: expected 0 to 1, found 1.500000");
  CHECK(error_of([] { (void)silent_degradation(std::vector<double>{-0.5}, std::vector<double>{1}, kRise); }) ==
        "silent degradation: base's sample 0: expected 0 to 1, found -0.500000");
  CHECK(error_of([] { (void)silent_degradation(kWorks, kBreaks, {}); }) ==
        "perplexity: expected at least 1 text, found none");
}
