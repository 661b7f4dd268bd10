#include <kvx/score/sds.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
/// One sample in each context.
std::vector<PairedFunction> one_each(const std::vector<double>& base, const std::vector<double>& cell) {
  std::vector<PairedFunction> contexts;
  for (std::size_t i = 0; i < base.size(); ++i) contexts.push_back({1, base[i], cell[i]});
  return contexts;
}

const std::vector<double> kWorks = {1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1};
const std::vector<double> kBreaks = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1};
const std::vector<PairedLoss> kRise = {
    {210.5, 214, 100}, {98, 97.5, 50}, {330, 341, 150}, {75.25, 78, 40}, {180, 183.5, 90}};
const std::vector<PairedLoss> kFall = {{210.5, 209, 100}, {98, 97.5, 50}};

/// The score for `samples` right answers, of which the cell loses `lost`.
SilentDegradation of_counts(std::size_t samples, std::size_t lost, const std::vector<PairedLoss>& texts) {
  const std::vector<double> base(samples, 1);
  std::vector<double> cell = base;
  std::fill_n(cell.begin(), lost, 0);
  return silent_degradation(one_each(base, cell), texts);
}
}  // namespace

TEST_CASE("The silent degradation score is the lost function divided by the rise of perplexity") {
  const SilentDegradation found = silent_degradation(one_each(kWorks, kBreaks), kRise);
  CHECK(found.state == Degradation::measured);
  CHECK(found.score.value == doctest::Approx(13.197222293048418).epsilon(1e-12));
  CHECK(found.drop.value == doctest::Approx(7.0 / 11).epsilon(1e-12));
  CHECK(found.rise.value == doctest::Approx(0.04821951333644189).epsilon(1e-12));
  CHECK(found.drop.p == doctest::Approx(0.015625));  // 2 / 2^7
  CHECK(found.quality == doctest::Approx(0.9539986494022029).epsilon(1e-12));
}

TEST_CASE("Many resamples give scipy's interval of two sets that are resampled separately") {
  // scipy.stats.bootstrap((np.arange(12), np.arange(5)), score, method="percentile", n_resamples=100000): two seeds
  // give (6.43, 35.32) and (6.48, 35.11)
  const auto score = silent_degradation(one_each(kWorks, kBreaks), kRise, {.resamples = 100'000}).score;
  CHECK(score.low == doctest::Approx(6.456).epsilon(0.01));
  CHECK(score.high == doctest::Approx(35.22).epsilon(0.02));
}

TEST_CASE("Contexts are resampled, not their samples") {
  // Two contexts of 20 samples, of which one loses all: whole contexts make the drop 0, 0.5 or 1.
  const std::vector<PairedFunction> two = {{20, 20, 0}, {20, 20, 20}};
  const SilentDegradation found = silent_degradation(two, kRise);
  CHECK(found.drop.value == 0.5);
  CHECK(found.drop.low == 0);
  CHECK(found.drop.high == 1);
  CHECK(found.drop.p == 1);
  CHECK(found.state == Degradation::too_few);
}

TEST_CASE("One context has no interval and no p, and one text no interval of its rise") {
  const SilentDegradation found = silent_degradation(std::vector<PairedFunction>{{40, 30, 2}}, kRise);
  CHECK(found.drop.value == doctest::Approx(28.0 / 30));
  CHECK(std::isnan(found.drop.low));
  CHECK(std::isnan(found.score.high));
  CHECK_FALSE(std::isnan(found.rise.low));
  CHECK(std::isnan(found.drop.p));
  CHECK(found.state == Degradation::too_few);
  const SilentDegradation text = silent_degradation(one_each(kWorks, kBreaks), {kRise.data(), 1});
  CHECK(std::isnan(text.rise.low));
  CHECK(std::isnan(text.score.low));
  CHECK_FALSE(std::isnan(text.drop.low));
}

TEST_CASE("Function that breaks while perplexity does not rise is maximally silent") {
  const SilentDegradation found = silent_degradation(one_each(kWorks, kBreaks), kFall);
  CHECK(found.state == Degradation::silent);
  CHECK(found.score.value == INFINITY);
  CHECK(found.score.low == INFINITY);
  CHECK(found.rise.value == doctest::Approx(std::expm1(-2.0 / 150)));
  CHECK(found.quality > 1);
  std::vector<PairedLoss> same = kFall;
  for (PairedLoss& text : same) text.cell_nll = text.base_nll;
  CHECK(silent_degradation(one_each(kWorks, kBreaks), same).state == Degradation::silent);
}

TEST_CASE("Function that does not get worse counts as 0") {
  const SilentDegradation none = silent_degradation(one_each(kBreaks, kWorks), kFall);
  CHECK(none.state == Degradation::none);
  CHECK(none.score.value == 0);
  CHECK(none.score.high == 0);
  CHECK(none.drop.value == doctest::Approx(-7.0 / 4));
  CHECK(silent_degradation(one_each(kWorks, kWorks), kFall).state == Degradation::none);
  const SilentDegradation holds = silent_degradation(one_each(kWorks, kWorks), kRise);
  CHECK(holds.state == Degradation::perplexity_only);
  CHECK(holds.score.value == 0);
}

TEST_CASE("If the base gets nothing right, nothing can be lost") {
  const std::vector<double> nothing(12);
  const SilentDegradation found = silent_degradation(one_each(nothing, kBreaks), kRise);
  CHECK(found.state == Degradation::undefined);
  CHECK(std::isnan(found.score.value));
  CHECK(std::isnan(found.drop.low));
  CHECK(std::isnan(found.score.low));
  std::vector<double> little = nothing;  // (11 / 12)^12 = 35 % of the resamples have nothing
  little[0] = 1;
  const auto contexts = one_each(little, nothing);
  const std::array<std::size_t, 1> sizes = {contexts.size()};
  const auto drop = [&](Resample drawn) { return detail::relative_drop(contexts, drawn.front()); };
  const auto undefined = static_cast<double>(detail::resample(sizes, drop, {}).undefined);
  CHECK(std::abs(undefined / 10'000 - 0.352) < 0.02);
  CHECK(detail::undefined_share(contexts) == doctest::Approx(0.352).epsilon(0.001));
  const SilentDegradation rare = silent_degradation(contexts, kRise);
  CHECK(rare.drop.value == 1);
  CHECK(std::isnan(rare.drop.low));  // the interval of the other resamples would be from 1 to 1
  CHECK(std::isnan(rare.drop.high));
  CHECK(std::isnan(rare.score.low));
  CHECK(rare.state == Degradation::too_few);
  little[1] = little[2] = 1;  // (9 / 12)^12 = 3.2 %
  CHECK(std::isnan(silent_degradation(one_each(little, nothing), kRise).drop.low));
  little[3] = 1;  // (8 / 12)^12 = 0.8 %
  CHECK(silent_degradation(one_each(little, nothing), kRise).drop.low == 1);
}

TEST_CASE("A drop that can be explained by chance does not count") {
  CHECK(of_counts(1000, 3, kRise).drop.low == 0);
  const SilentDegradation four = of_counts(1000, 4, kRise);  // the interval leaves out 0, the test has p = 1 / 8
  CHECK(four.drop.low > 0);
  CHECK(four.drop.p == doctest::Approx(0.125));
  CHECK(four.state == Degradation::too_few);
  CHECK(of_counts(5, 5, kRise).state == Degradation::too_few);
  CHECK(of_counts(1000, 6, kRise).state == Degradation::measured);
}

TEST_CASE("Each state has a text") {
  CHECK(written(Degradation::undefined) == "undefined");
  CHECK(written(Degradation::none) == "no degradation");
  CHECK(written(Degradation::perplexity_only) == "perplexity only");
  CHECK(written(Degradation::too_few) == "too few contexts");
  CHECK(written(Degradation::silent) == "maximally silent");
  CHECK(written(Degradation::measured) == "measured");
}

TEST_CASE("Sums that samples cannot have are errors") {
  const auto refused = [](std::vector<PairedFunction> contexts) {
    return error_of([&] { (void)silent_degradation(contexts, kRise); });
  };
  CHECK(refused({}) == "silent degradation: expected at least 1 context, found none");
  CHECK(refused({{1, 1, 1}, {1, 1, NAN}}) ==
        "silent degradation: context 1: expected a sum from 0 to its 1 samples, found nan");
  CHECK(refused({{2, 2.5, 1}}) ==
        "silent degradation: context 0: expected a sum from 0 to its 2 samples, found 2.500000");
  CHECK(refused({{1, -0.5, 1}}) ==
        "silent degradation: context 0: expected a sum from 0 to its 1 samples, found -0.500000");
  CHECK(error_of([] { (void)silent_degradation(one_each(kWorks, kBreaks), {}); }) ==
        "perplexity: expected at least 1 text, found none");
}
