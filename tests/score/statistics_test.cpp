// Statistics over contexts against scipy, statsmodels and numpy.
#include <doctest/doctest.h>
#include <kvx/io/json/json.hpp>
#include <kvx/score/statistics/bootstrap.hpp>
#include <kvx/score/statistics/clustered.hpp>
#include <kvx/score/statistics/context_plan.hpp>
#include <kvx/score/statistics/sign_flips.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/reference.hpp"

using namespace kvx;

namespace {

using ClusterValues = std::vector<std::vector<double>>;

ClusterValues cluster_values(const JsonValue& clusters) {
  ClusterValues all;
  clusters.each_element([&](const JsonValue& cluster) {
    all.emplace_back();
    cluster.each_element([&](const JsonValue& value) { all.back().push_back(value.number()); });
  });
  return all;
}

std::vector<Cluster> clusters_of(const ClusterValues& values) {
  std::vector<Cluster> clusters;
  for (const auto& cluster : values) {
    clusters.emplace_back();
    for (const double value : cluster) clusters.back().add(value);
  }
  return clusters;
}

/// Whether a value equals the reference's; NaN if the reference has none.
bool equals(const JsonValue& row, const char* field, double value) {
  const auto expected = row.find(field);  // null: no value
  return expected ? std::abs(value - expected->number()) < 1e-9 : std::isnan(value);
}

bool equals(const JsonValue& row, const char* field, const Estimate& interval) {
  const auto expected = row.find(field);
  if (!expected) return std::isnan(interval.low) && std::isnan(interval.high);
  std::vector<double> ends;
  expected->each_element([&](const JsonValue& end) { ends.push_back(end.number()); });
  return std::abs(interval.low - ends.at(0)) < 1e-9 && std::abs(interval.high - ends.at(1)) < 1e-9;
}

/// Compares mean, error, t interval and ICC, which shares and differences both have.
bool moments_equal(const JsonValue& row, const std::vector<Cluster>& clusters) {
  return equals(row, "mean", mean_of(clusters)) && equals(row, "se", standard_error(clusters)) &&
         equals(row, "t", t_interval(clusters)) && equals(row, "icc", intraclass_correlation(clusters)) &&
         values_in(clusters) == static_cast<std::size_t>(row.at("n").integer());
}

/// Whether both ends lie in the ranges of the reference, which hold for 10 000 resamples in all but one case in 2000.
/// Here four times as many are drawn, so that no case is an exception.
bool bootstrap_equals(const JsonValue& row, const std::vector<Cluster>& clusters) {
  if (!row.find("bootstrap")) return clusters.size() < 2;
  const std::array<std::size_t, 1> sizes = {clusters.size()};
  const auto mean = [&](Resample drawn) -> std::optional<double> {
    double sum = 0, n = 0;
    for (const std::size_t i : drawn.front()) sum += clusters[i].sum, n += static_cast<double>(clusters[i].n);
    return sum / n;
  };
  const Estimate found = bootstrap(sizes, mean, {.resamples = 40'000});
  const auto is_in_range = [&](double end, const char* field) {
    std::vector<double> between;
    row.at("bootstrap").at(field).each_element([&](const JsonValue& bound) { between.push_back(bound.number()); });
    return end >= between.at(0) - 1e-9 && end <= between.at(1) + 1e-9;
  };
  return is_in_range(found.low, "low_between") && is_in_range(found.high, "high_between");
}

bool flips_equal(const JsonValue& row, const std::vector<Cluster>& clusters) {
  std::vector<double> sums;
  for (const Cluster& cluster : clusters) sums.push_back(cluster.sum);
  const double p = sign_flip_p(sums);
  if (row.find("p_flip_exact") || !row.find("p_flip_chance")) return equals(row, "p_flip_exact", p);
  return std::abs(p - row.at("p_flip_chance").number()) < 7 * row.at("p_flip_chance_se").number() + 1e-5;
}

bool plan_equals(const JsonValue& row) {
  const ContextPlan plan{.base = row.at("base").number(),
                         .drop = row.at("drop").number(),
                         .discordant = row.at("discordant").number(),
                         .context_samples = row.at("cluster_size").number(),
                         .size_cv = row.at("size_cv").number(),
                         .icc = row.at("icc").number()};
  const auto clusters = static_cast<std::size_t>(row.at("clusters_t").integer());
  return equals(row, "deff", design_effect(plan)) && planned_contexts(plan) == clusters &&
         equals(row, "power_at_clusters_t", plan_power(plan, clusters)) &&
         std::max(clusters, kLeastForSignFlips) ==
             static_cast<std::size_t>(row.at("clusters_sign_flip_at_least").integer());
}

/// Whether t and wilson_t hold the true share as often as in the reference's simulation.
bool coverage_equals(const JsonValue& row) {
  const double p = row.at("p").number(), icc = row.at("icc").number(), a = (1 - icc) / icc;
  const auto count = static_cast<std::size_t>(row.at("clusters_n").integer());
  const auto size = static_cast<int>(row.at("cluster_size").integer());
  std::mt19937_64 random(1);
  std::gamma_distribution<double> right(p * a), wrong((1 - p) * a);
  constexpr int kRuns = 2000;
  double t = 0, wilson = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<Cluster> clusters(count);
    for (Cluster& cluster : clusters) {
      const double one = right(random), other = wrong(random);
      std::binomial_distribution<int> passes(size, std::min(1.0, one / (one + other)));
      cluster = {static_cast<std::size_t>(size), static_cast<double>(passes(random))};
    }
    const auto holds = [&](const Estimate& interval) {
      return interval.low <= p + 1e-12 && p <= interval.high + 1e-12;
    };
    t += holds(t_interval(clusters));
    wilson += holds(wilson_t(clusters));
  }
  const auto close = [&](double held, const char* field) {  // five standard errors of both simulations
    const double expected = row.at(field).number();
    return std::abs(held / kRuns - expected) < 5 * std::sqrt(expected * (1 - expected) * (1.0 / kRuns + 1e-4)) + 1e-3;
  };
  return close(t, "t") && close(wilson, "wilson_t");
}

}  // namespace

TEST_CASE("Intervals, p and plans over contexts equal the reference's") {
  kvx_test::Tally tally{"statistics"};
  const auto each = [&](const std::string& file, auto&& holds) {
    int line = 0;
    kvx_test::each_row(kvx_test::reference("stats/" + file).path, [&](const JsonValue& row) {
      ++line;
      CAPTURE(file);
      CAPTURE(line);
      CHECK(tally.count(holds(row)));
    });
  };
  each("share.jsonl", [](const JsonValue& row) {
    const std::vector<Cluster> clusters = clusters_of(cluster_values(row.at("clusters")));
    return moments_equal(row, clusters) && (!row.at("binary").boolean() || equals(row, "wilson_t", wilson_t(clusters)));
  });
  each("paired.jsonl", [](const JsonValue& row) {
    ClusterValues values = cluster_values(row.at("cell"));
    const ClusterValues base = cluster_values(row.at("base"));
    for (std::size_t c = 0; c < values.size(); ++c)
      for (std::size_t i = 0; i < values[c].size(); ++i) values[c][i] -= base[c][i];
    const std::vector<Cluster> clusters = clusters_of(values);
    return moments_equal(row, clusters) && flips_equal(row, clusters) && bootstrap_equals(row, clusters);
  });
  each("power.jsonl", plan_equals);
  each("coverage.jsonl", coverage_equals);
}
