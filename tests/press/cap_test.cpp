#include <kvx/press/cap.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// All queries and keys have the same direction and are not rotated; the value of row 2 differs from the others.
kvx_test::Layer layer_of_values() {
  kvx_test::Layer layer(1, 1, 4, 2);
  layer.keys = layer.pre_rope_queries = {1, 0, 1, 0, 1, 0, 1, 0};
  layer.values = {1, 0, 1, 0, 0, 1, 1, 0};
  return layer;
}

Kept kept_by_cap(const kvx_test::Layer& layer, Index keep) {
  return Press<CAP>(Allowance::of_tokens(keep), {.sinks = 1}).select(layer.input(CAP().needs()));
}
}  // namespace

TEST_CASE("CAP keeps the sinks and the rows whose values no other row has") {
  const kvx_test::Layer layer = layer_of_values();
  CHECK(kept_by_cap(layer, 1) == Kept{{0}});
  CHECK(kept_by_cap(layer, 2) == Kept{{0, 2}});
  CHECK(kept_by_cap(layer, 3) == Kept{{0, 2, 3}});
}

TEST_CASE("CAP evicts a row whose key points away from the queries") {
  kvx_test::Layer layer = layer_of_values();
  layer.keys[4] = -1;
  CHECK(kept_by_cap(layer, 2) == Kept{{0, 3}});
}

TEST_CASE("CAP needs a context longer than its sinks, and parameters in their ranges") {
  const kvx_test::Layer layer(1, 1, 4, 2);
  CHECK(error_of([&] { Press<CAP>(0.5).select(layer.input(CAP().needs())); }) ==
        "cap: a context of 4 tokens is not longer than its 4 sinks");
  CHECK(error_of([] { CAP{.tau = -1}.validate(); }) == "cap: tau: expected 0 or more, found -1.000000");
  CHECK(error_of([] { CAP{.future = 0}.validate(); }) == "cap: future: expected 1 or more, found 0");
}
