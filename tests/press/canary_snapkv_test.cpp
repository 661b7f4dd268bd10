#include <kvx/press/canary_snapkv.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;

TEST_CASE("CanarySnapKV averages over all heads, and rounds the number of rows, halves to even") {
  auto layer = kvx_test::one_hot_layer(2, 2, 6);
  kvx_test::point(layer, layer.queries, 0, 5, 1);
  kvx_test::point(layer, layer.queries, 1, 5, 3);
  const CanarySnapKV policy{.window = 1};
  const PressInput in = layer.input(policy.needs());
  CHECK(Press<CanarySnapKV>(0.5, policy).select(in) == Kept{{1, 3, 5}, {1, 3, 5}});
  CHECK(Press<CanarySnapKV>(0.75, policy).select(in) == Kept{{3, 5}, {3, 5}});  // 1.5 rows
  CHECK(policy.rows(in, {0.25, 4}) == 2 * 4);                                   // 4.5 rows
}

TEST_CASE("CanarySnapKV keeps the last rows of a context that is shorter than the window") {
  const auto layer = kvx_test::one_hot_layer(1, 1, 6);
  CHECK(Press<CanarySnapKV>(0.5).select(layer.input(CanarySnapKV().needs())) == Kept{{3, 4, 5}});
  CHECK(error_of([] { CanarySnapKV{.window = 0}.validate(); }) == "canary_snapkv: window: expected 1 or more, found 0");
}
