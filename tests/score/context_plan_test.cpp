#include <kvx/score/statistics/context_plan.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include "support/error_of.hpp"

using namespace kvx;

TEST_CASE("The more similar the samples of a context are, the less they count, down to one sample") {
  const ContextPlan one_sample{.base = 0.6, .drop = 0.1};
  ContextPlan plan = one_sample;
  plan.context_samples = 8;
  const std::size_t independent = planned_contexts(plan);
  CHECK(8 * independent >= planned_contexts(one_sample));
  CHECK(8 * (independent - 4) < planned_contexts(one_sample));  // fewer contexts have a wider t
  plan.icc = -0.2;
  CHECK(planned_contexts(plan) == independent);
  plan.icc = 1;
  CHECK(planned_contexts(plan) == planned_contexts(one_sample));
  plan.icc = 0.3;
  plan.size_cv = 0;
  const std::size_t even = planned_contexts(plan);
  plan.size_cv = 1;
  CHECK(planned_contexts(plan) > even);
}

TEST_CASE("The smallest number of contexts has the power, and one fewer does not") {
  for (const double drop : {0.02, 0.1, 0.3, 0.9}) {
    const ContextPlan plan{.base = 0.9, .drop = drop, .context_samples = 4, .icc = 0.2};
    const std::size_t contexts = planned_contexts(plan);
    CHECK(plan_power(plan, contexts) >= 0.8);
    if (contexts > 2) CHECK(plan_power(plan, contexts - 1) < 0.8);
  }
}

TEST_CASE("Fewer contexts are needed if base and cell succeed on the same samples, and a drop may be rounded") {
  CHECK(planned_contexts({.base = 0.9, .drop = 0.1}) > planned_contexts({.base = 0.9, .drop = 0.1, .discordant = 0.2}));
  CHECK(planned_contexts({.base = 0.9, .drop = 0.001}) > 1'000'000);
  CHECK(planned_contexts({.base = 0.3, .drop = 0.1 + 0.2}) > 0);  // 0.30000000000000004
  CHECK(planned_contexts({.base = 1, .drop = 1}) == 2);
}

TEST_CASE("A plan with impossible values is an error") {
  const auto refused = [](ContextPlan plan) { return error_of([&] { (void)planned_contexts(plan); }); };
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
  CHECK(refused({.base = 0.9, .drop = 0.1, .context_samples = 0.5}) ==
        "plan: samples of a context: expected 1.000000 to 1000000.000000, found 0.500000");
  CHECK(refused({.base = 0.9, .drop = 0.1, .icc = 1.5}) == "plan: icc: expected -1.000000 to 1.000000, found 1.500000");
  CHECK(refused({.base = NAN, .drop = 0.1}) == "plan: base: expected 0.000000 to 1.000000, found nan");
}
