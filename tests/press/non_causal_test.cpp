#include <kvx/press/non_causal.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;

TEST_CASE("NonCausalAttention scores by the attention of all queries of the chunk, times the norm of the value") {
  auto layer = kvx_test::one_hot_layer(1, 1, 6);
  for (Index t = 0; t < 6; ++t) {
    kvx_test::point(layer, layer.queries, 0, t, t < 3 ? 2 : 5);
    layer.row(layer.values, 0, t)[0] = 1;
  }
  const NonCausalAttention policy{.chunk = 3};
  const PressInput in = layer.input(policy.needs());
  // Keys 2 and 5 get all the attention of their chunks, and share it with their neighbors. Row 0 is not one of these.
  CHECK(Press<NonCausalAttention>(Allowance::of_tokens(5), policy).select(in) == Kept{{1, 2, 3, 4, 5}});
  layer.row(layer.values, 0, 2)[0] = 3;
  CHECK(Press<NonCausalAttention>(Allowance::of_tokens(3), policy).select(in) == Kept{{1, 2, 3}});
  CHECK(error_of([] { NonCausalAttention{.chunk = 0}.validate(); }) ==
        "non_causal: chunk: expected 1 or more, found 0");
}
