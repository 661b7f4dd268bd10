#include <kvx/score/scorer.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
struct TwoMetrics {
  static constexpr std::string_view name = "two";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "a"}, {.name = "b"}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 2> kStates = {{{"x"}, {"y"}}};
    return kStates;
  }
  Grade grade(const Sample&, std::string_view) const { return {"x", {1.0, std::nullopt}}; }
};
using Metrics = std::vector<std::optional<double>>;
Grade grade(const char* state, Metrics metrics) { return {state, std::move(metrics)}; }
const Scorer kScorer{AnyTask(TwoMetrics())};
}  // namespace

TEST_CASE("A score counts states and has the mean of each metric over the answers that it applies to") {
  const std::vector<Grade> grades = {grade("x", {1.0, 1.0}), grade("y", {0.0, std::nullopt}), grade("x", {1.0, 0.0}),
                                     grade("x", {0.0, std::nullopt})};
  const Score score = kScorer.score(grades);
  CHECK(score.n == 4);
  CHECK(score.states == std::map<std::string, std::size_t>{{"x", 3}, {"y", 1}});
  REQUIRE(score.metrics.size() == 2);
  CHECK(score.metrics[0].name == "a");
  CHECK(score.metrics[0].value == 0.5);
  CHECK(score.metrics[0].n == 4);
  CHECK(score.contexts == 4);
  CHECK(score.metrics[0].contexts == 4);
  CHECK(score.metrics[0].low == doctest::Approx(wilson_interval(0.5, 3, t_edge(3)).low));
  CHECK(score.metrics[1].contexts == 2);
  CHECK(score.metrics[1].n == 2);
  CHECK(score.metrics[1].value == 0.5);
  CHECK(score.summaries.empty());
}

TEST_CASE("A metric with other values than 0 and 1 has Student's interval") {
  std::vector<Grade> base, cell;
  for (int i = 0; i < 40; ++i) {
    base.push_back(grade("x", {0.5 + 0.01 * (i % 7), 1.0}));
    cell.push_back(grade("x", {0.4 + 0.02 * (i % 5), 1.0}));
  }
  const Estimate mean = kScorer.score(cell).metrics[0];
  CHECK(mean.value == doctest::Approx(0.44));
  CHECK(mean.n == 40);
  CHECK(mean.error == doctest::Approx(std::sqrt(0.0008 / 39)));  // numpy.std(ddof=1) / sqrt(40)
  CHECK(mean.high - mean.value == doctest::Approx(t_edge(39) * mean.error));
  const Estimate change = kScorer.compare(cell, base)[0];
  CHECK(change.value == doctest::Approx(0.44 - (0.5 + 0.01 * 115 / 40)));
  CHECK(change.low < change.value);
  CHECK(change.high > change.value);
  CHECK(change.high < 0);
  CHECK(change.p == doctest::Approx(1.0 / 200'001));
}

TEST_CASE("A change is paired by sample and tested by sign flips") {
  std::vector<Grade> base, cell;
  for (int i = 0; i < 20; ++i) {
    base.push_back(grade("x", {1.0, i < 10 ? std::optional(0.0) : std::nullopt}));
    cell.push_back(grade("x", {i < 6 ? 0.0 : 1.0, i < 8 ? std::optional(1.0) : std::nullopt}));
  }
  const auto changes = kScorer.compare(cell, base);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].name == "a");
  CHECK(changes[0].value == doctest::Approx(-0.3));
  CHECK(changes[0].n == 20);
  CHECK(changes[0].contexts == 20);
  CHECK(changes[0].p == doctest::Approx(2.0 / 64));
  CHECK(changes[1].value == doctest::Approx(1));
  CHECK(changes[1].n == 8);
  CHECK(changes[1].p == doctest::Approx(2.0 / 256));
  CHECK(kScorer.compare(base, base)[0].p == 1);
  base.pop_back();
  CHECK(error_of([&] { (void)kScorer.compare(cell, base); }) ==
        "task two: expected grades of the same samples, found 20 and 19");
}

TEST_CASE("Samples about one context are one unit of intervals and p") {
  std::vector<Grade> base, cell;
  for (int i = 0; i < 48; ++i) {
    base.push_back(grade("x", {1.0, std::nullopt}));
    cell.push_back(grade("x", {i % 2 == 0 ? 0.0 : 1.0, std::nullopt}));
    base.back().cluster = cell.back().cluster = "context " + std::to_string(i / 8);
    cell.back().unfinished = i % 4 == 0;
  }
  const Score score = kScorer.score(cell);
  CHECK(score.unfinished == 12);
  CHECK(score.unfinished_share.value == 0.25);
  CHECK(score.unfinished_share.n == 48);
  CHECK(score.unfinished_share.contexts == 6);
  CHECK(score.unfinished_share.high == doctest::Approx(wilson_interval(0.25, 6, t_edge(5)).high));
  CHECK(score.n == 48);
  CHECK(score.contexts == 6);
  CHECK(score.metrics[0].n == 48);
  CHECK(score.metrics[0].contexts == 6);
  CHECK(score.metrics[0].low == doctest::Approx(wilson_interval(0.5, 6, t_edge(5)).low));  // all contexts are alike
  const Estimate change = kScorer.compare(cell, base)[0];
  CHECK(change.contexts == 6);
  CHECK(change.p == 2.0 / 64);
  for (Grade& each : cell) each.cluster = "the only one";
  const Score one = kScorer.score(cell);
  CHECK(one.contexts == 1);
  CHECK(one.metrics[0].value == 0.5);
  CHECK(std::isnan(one.metrics[0].low));
  CHECK(std::isnan(one.metrics[0].error));
  const Estimate single = kScorer.compare(cell, base)[0];
  CHECK(single.value == -0.5);
  CHECK(std::isnan(single.p));
  CHECK(std::isnan(single.holm_p));
  CHECK(std::isnan(single.high));
}
