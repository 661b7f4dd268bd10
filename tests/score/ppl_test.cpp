#include <kvx/score/ppl.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("Perplexities, their ratio and its interval over texts equal numpy's") {
  // r = (cell - base).sum() / tokens.sum(); e = cell - base - r * tokens
  // se = np.sqrt(5 / 4 * (e ** 2).sum()) / tokens.sum(); np.exp(base.sum() / tokens.sum()); r -+
  // scipy.stats.t.ppf(0.975, 4) * se
  const std::vector<PairedLoss> texts = {
      {210.5, 214, 100}, {98, 97.5, 50}, {330, 341, 150}, {75.25, 78, 40}, {180, 183.5, 90}};
  const double half = (0.04709302325581395 - 0.020909214267343556) / 1.959963984540054 * 2.7764451051977987;
  const PerplexityChange change = perplexity_change(texts);
  CHECK(change.base == doctest::Approx(7.992378276280171).epsilon(1e-12));
  CHECK(change.cell == doctest::Approx(8.377766867163151).epsilon(1e-12));
  CHECK(change.log_ratio.value == doctest::Approx(0.04709302325581395).epsilon(1e-12));
  CHECK(change.log_ratio.low == doctest::Approx(0.04709302325581395 - half).epsilon(1e-12));
  CHECK(change.log_ratio.high == doctest::Approx(0.04709302325581395 + half).epsilon(1e-12));
  CHECK(change.quality() == doctest::Approx(0.9539986494022029).epsilon(1e-12));
}

TEST_CASE("With one token per text, the standard error equals llama.cpp's") {
  // (c - b).mean(), np.sqrt((np.var(b, ddof=1) + np.var(c, ddof=1) - 2 * np.cov(b, c)[0, 1]) / 6)
  const std::vector<PairedLoss> tokens = {{2.1, 2.3, 1},  {0.3, 0.25, 1}, {1.7, 1.9, 1},
                                          {0.05, 0.1, 1}, {3.2, 3.1, 1},  {0.9, 1.4, 1}};
  const Estimate log_ratio = perplexity_change(tokens).log_ratio;
  CHECK(log_ratio.value == doctest::Approx(0.13333333333333325).epsilon(1e-12));
  CHECK((log_ratio.high - log_ratio.value) / t_edge(5) == doctest::Approx(0.08913161304747258).epsilon(1e-10));
}

TEST_CASE("Texts with the same rise have an interval of width 0, and one text has no interval") {
  const Estimate sure = perplexity_change(std::vector<PairedLoss>{{10, 15, 10}, {40, 50, 20}}).log_ratio;
  CHECK(sure.low == doctest::Approx(0.5));
  CHECK(sure.high == doctest::Approx(0.5));
  const Estimate one = perplexity_change(std::vector<PairedLoss>{{10, 15, 10}}).log_ratio;
  CHECK(one.value == 0.5);
  CHECK(std::isnan(one.low));
  CHECK(std::isnan(one.high));
}

TEST_CASE("A text without a loss is an error") {
  CHECK(error_of([] { (void)perplexity_change({}); }) == "perplexity: expected at least 1 text, found none");
  CHECK(error_of([] {
          (void)perplexity_change(std::vector<PairedLoss>{{1, 1, 1}, {0, 0, 0}});
        }) == "perplexity: text 1: expected at least 1 predicted token, found none");
  CHECK(error_of([] {
          (void)perplexity_change(std::vector<PairedLoss>{{1, INFINITY, 1}});
        }) == "perplexity: text 0: expected finite negative log-likelihoods, found 1.000000 and inf");
}
