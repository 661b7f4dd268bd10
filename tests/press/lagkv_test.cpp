#include <kvx/press/lagkv.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include <utility>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("LagKV keeps the rows of a partition with the largest deviation in the range of the next partition") {
  kvx_test::Layer layer(1, 1, 5, 2);
  // A sink, a partition, and the next partition, by whose range the first one is scaled and which stays. In the first
  // partition, the channels of the second row differ.
  layer.keys = layer.values = {9, 9, /**/ 0, 0, /**/ 0, 1, /**/ 0, 0, /**/ 1, 1};
  const LagKV policy{.sinks = 1, .lag = 2};
  CHECK(Press<LagKV>(Allowance::of_tokens(4), policy).select(layer.input()) == Kept{{0, 2, 3, 4}});
  std::swap(layer.keys[3], layer.keys[5]);
  std::swap(layer.values[3], layer.values[5]);
  CHECK(Press<LagKV>(Allowance::of_tokens(4), policy).select(layer.input()) == Kept{{0, 1, 3, 4}});
}

TEST_CASE("LagKV keeps the sinks and the most recent rows of a context with fewer than two partitions") {
  const kvx_test::Layer layer(1, 1, 6, 2);
  CHECK(Press<LagKV>(Allowance::of_tokens(3), {.sinks = 1}).select(layer.input()) == Kept{{0, 4, 5}});
  CHECK(error_of([] { LagKV{.lag = 0}.validate(); }) == "lagkv: lag: expected 1 or more, found 0");
}
