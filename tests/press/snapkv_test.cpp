#include <kvx/press/snapkv.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;
using kvx_test::point;

namespace {
Kept kept(const kvx_test::Layer& layer, const SnapKV& policy, Index keep) {
  return Press<SnapKV>(Allowance::of_tokens(keep), policy).select(layer.input(policy.needs()));
}
Matrix<float> scores(const kvx_test::Layer& layer, const SnapKV& policy) {
  Matrix<float> out(layer.kv_heads, layer.tokens);
  policy.score(layer.input(policy.needs()), {}, view(out));
  return out;
}
}  // namespace

TEST_CASE("SnapKV keeps its window and the rows that the queries of the window attend to") {
  auto layer = kvx_test::one_hot_layer(1, 1, 10);
  point(layer, layer.queries, 0, 8, 3);
  point(layer, layer.queries, 0, 9, 5);
  point(layer, layer.queries, 0, 7, 0);  // not in the window
  CHECK(kept(layer, {.window = 2, .kernel = 1}, 4) == Kept{{3, 5, 8, 9}});
  CHECK(kept(layer, {.window = 3, .kernel = 1}, 6) == Kept{{0, 3, 5, 7, 8, 9}});
}

TEST_CASE("SnapKV averages scores over neighboring rows") {
  auto layer = kvx_test::one_hot_layer(1, 1, 10);
  point(layer, layer.queries, 0, 8, 4);
  point(layer, layer.queries, 0, 9, 4);
  CHECK(kept(layer, {.window = 2, .kernel = 3}, 5) == Kept{{3, 4, 5, 8, 9}});
  const auto found = scores(layer, {.window = 2, .kernel = 3});
  for (Index j = 0; j < 8; ++j) CHECK(found(0, j) == doctest::Approx(j >= 3 && j <= 5 ? 1 / 3.0 : 0));
}

TEST_CASE("SnapKV's queries do not see the tokens after them") {
  const auto layer = kvx_test::one_hot_layer(1, 1, 4);  // all queries are zero: even attention to 3, then to 4 tokens
  const auto found = scores(layer, {.window = 2, .kernel = 1});
  CHECK(found(0, 0) == doctest::Approx((1 / 3.0 + 1 / 4.0) / 2));
  CHECK(found(0, 2) > found(0, 0) + 0.9f);
}

TEST_CASE("SnapKV averages over the query heads of the KV head") {
  auto layer = kvx_test::one_hot_layer(4, 2, 8);
  const Index targets[] = {1, 3, 2, 2};
  for (Index i = 0; i < 4; ++i) point(layer, layer.queries, i, 7, targets[i]);
  const auto found = scores(layer, {.window = 1, .kernel = 1});
  CHECK(found(0, 1) == doctest::Approx(0.5));
  CHECK(found(0, 2) == doctest::Approx(0));
  CHECK(found(0, 3) == doctest::Approx(0.5));
  CHECK(found(1, 2) == doctest::Approx(1));
  CHECK(kept(layer, {.window = 1, .kernel = 1}, 3) == Kept{{1, 3, 7}, {2, 6, 7}});
}

TEST_CASE("SnapKV is not applicable to a context that is not longer than its window") {
  const auto layer = kvx_test::one_hot_layer(1, 1, 4);
  CHECK_THROWS_AS(kept(layer, {.window = 4}, 2), NotApplicable);
  CHECK(error_of([&] { kept(layer, {.window = 64}, 2); }) ==
        "snapkv: a context of 4 tokens is not longer than its window of 64");
  CHECK(kept(layer, {.window = 3}, 2) == Kept{{2, 3}});  // no room for the window: its newest rows
  CHECK(kept(layer, {.window = 64}, 4) == keep_all(1, 4));
}

TEST_CASE("SnapKV needs a window and an odd kernel") {
  CHECK(error_of([] { SnapKV{.window = 0}.validate(); }) == "snapkv: window: expected 1 or more, found 0");
  CHECK(error_of([] { SnapKV{.kernel = 4}.validate(); }) == "snapkv: kernel: expected an odd number, found 4");
  CHECK(error_of([] { SnapKV{.kernel = -1}.validate(); }) == "snapkv: kernel: expected an odd number, found -1");
  CHECK(SnapKV().needs().queries == 64);
}
