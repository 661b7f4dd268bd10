#include <kvx/score/scorer.hpp>

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
struct TwoMetrics {
  static constexpr std::string_view name = "two";
  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 2> kNames = {"a", "b"};
    return kNames;
  }
  Grade grade(const Sample&, std::string_view answer) const { return {std::string(answer), {1.0, std::nullopt}}; }
};
using Metrics = std::vector<std::optional<double>>;
Grade grade(const char* state, Metrics metrics) { return {state, std::move(metrics)}; }
const Scorer kScorer{AnyTask(TwoMetrics())};
}  // namespace

TEST_CASE("A score counts states and takes each metric's mean where it applies") {
  const std::vector<Grade> grades = {grade("x", {1.0, 1.0}), grade("y", {0.0, std::nullopt}), grade("x", {1.0, 0.0}),
                                     grade("x", {0.0, std::nullopt})};
  const Score score = kScorer.score(grades);
  CHECK(score.n == 4);
  CHECK(score.states == std::map<std::string, std::size_t>{{"x", 3}, {"y", 1}});
  REQUIRE(score.metrics.size() == 2);
  CHECK(score.metrics[0].name == "a");
  CHECK(score.metrics[0].value == 0.5);
  CHECK(score.metrics[0].n == 4);
  CHECK(score.metrics[0].low == doctest::Approx(wilson("", 2, 4).low));
  CHECK(score.metrics[1].n == 2);
  CHECK(score.metrics[1].value == 0.5);
  CHECK(score.summaries.empty());
}

TEST_CASE("A metric that is no verdict has bootstrapped intervals and tests") {
  std::vector<Grade> base, cell;
  for (int i = 0; i < 40; ++i) {
    base.push_back(grade("x", {0.5 + 0.01 * (i % 7), 1.0}));
    cell.push_back(grade("x", {0.4 + 0.02 * (i % 5), 1.0}));
  }
  const Share mean = kScorer.score(cell).metrics[0];
  CHECK(mean.value == doctest::Approx(0.44));
  CHECK(mean.n == 40);
  CHECK(mean.low == doctest::Approx(0.431).epsilon(0.003));  // 1.96 standard errors of 0.0283 / sqrt(40)
  CHECK(mean.high == doctest::Approx(0.449).epsilon(0.003));
  const Change change = kScorer.compare(cell, base)[0];
  CHECK(change.value == doctest::Approx(0.44 - (0.5 + 0.01 * 115 / 40)));
  CHECK(change.interval.low < change.value);
  CHECK(change.interval.high > change.value);
  CHECK(change.interval.high < 0);
  CHECK(change.p == doctest::Approx(1.0 / 2001));
}

TEST_CASE("A change is paired by sample and tested on the samples that differ") {
  std::vector<Grade> base, cell;
  for (int i = 0; i < 20; ++i) {
    base.push_back(grade("x", {1.0, i < 10 ? std::optional(0.0) : std::nullopt}));
    cell.push_back(grade("x", {i < 6 ? 0.0 : 1.0, i < 8 ? std::optional(1.0) : std::nullopt}));
  }
  const auto changes = kScorer.compare(cell, base);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].metric == "a");
  CHECK(changes[0].value == doctest::Approx(-0.3));
  CHECK(changes[0].n == 20);
  CHECK(changes[0].p == doctest::Approx(2.0 / 64));
  CHECK(changes[1].value == doctest::Approx(1));
  CHECK(changes[1].n == 8);
  CHECK(changes[1].p == doctest::Approx(2.0 / 256));
  CHECK(kScorer.compare(base, base)[0].p == 1);
  base.pop_back();
  CHECK(error_of([&] { (void)kScorer.compare(cell, base); }) ==
        "task two: a comparison is of the same samples, found 20 and 19");
}
