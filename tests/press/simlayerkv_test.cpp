#include <kvx/press/simlayerkv.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;

namespace {
/// The rows kept of ten tokens when the last query attends to the token `target`.
Kept kept_by_simlayer(Index target, const SimLayerKV& policy) {
  auto layer = kvx_test::one_hot_layer(1, 1, 10);
  kvx_test::point(layer, layer.queries, 0, 9, target);
  return Press<SimLayerKV>(0.5, policy).select(layer.input(policy.needs()));
}
}  // namespace

TEST_CASE("SimLayerKV cuts a layer whose last query attends to its first and recent rows, and no other layer") {
  const SimLayerKV policy{.threshold = 0.9, .last = 1, .recent = 3, .initial = 2};
  for (const Index target : {0, 1, 6, 8}) CHECK(kept_by_simlayer(target, policy) == Kept{{0, 1, 8, 9}});
  for (const Index target : {2, 5, 9}) CHECK(kept_by_simlayer(target, policy) == keep_all(1, 10));
  SimLayerKV off = policy;
  off.threshold = 1;
  CHECK(kept_by_simlayer(0, off) == keep_all(1, 10));
}

TEST_CASE("SimLayerKV needs more recent rows than last queries") {
  CHECK(error_of([] { SimLayerKV{.last = 5, .recent = 5}.validate(); }) ==
        "simlayerkv: recent: expected more than last, 5, found 5");
  CHECK(error_of([] { SimLayerKV{.threshold = 1.5}.validate(); }) ==
        "simlayerkv: threshold: expected 0 <= threshold <= 1, found 1.500000");
}
