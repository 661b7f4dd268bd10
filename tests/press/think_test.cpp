#include <kvx/press/think.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// Whether each channel of head `h` is unchanged, rather than set to zero.
std::vector<bool> channels(const kvx_test::Layer& layer, const ThinK& policy, Index h) {
  Matrix<float> keys = layer.input().keys.head(h), values = layer.input().values.head(h);
  std::vector<Position> positions(static_cast<std::size_t>(keys.rows()));
  policy.edit(layer.input({.queries = policy.edit_queries()}), h, {}, {view(keys), view(values), positions});
  CHECK(values == layer.input().values.head(h));
  std::vector<bool> left;
  for (Index c = 0; c < keys.cols(); ++c) {
    left.push_back(!keys.col(c).isZero(0));
    if (left.back()) CHECK(keys.col(c) == layer.input().keys.head(h).col(c));
  }
  return left;
}
}  // namespace

TEST_CASE("ThinK sets the channels to zero that add least to the logits of the last queries") {
  kvx_test::Layer layer(1, 1, 3, 4);
  const float keys[] = {1, 1, 4, 1, -1, 1, -4, 1, 1, 1, 4, 1}, queries[] = {0, 0, 0, 9, -3, 2, 1, 0, 3, -2, 1, 1};
  std::copy(std::begin(keys), std::end(keys), layer.keys.begin());
  std::copy(std::begin(queries), std::end(queries), layer.queries.begin());
  CHECK(channels(layer, {.ratio = 0.25, .window = 2}, 0) == std::vector{true, true, true, false});
  CHECK(channels(layer, {.ratio = 0.5, .window = 2}, 0) == std::vector{true, false, true, false});
  CHECK(channels(layer, {.ratio = 0.75, .window = 2}, 0) == std::vector{false, false, true, false});
  CHECK(channels(layer, {.ratio = 0.5, .window = 32}, 0) == std::vector{false, false, true, true});
  CHECK(channels(layer, {.ratio = 0.2, .window = 2}, 0) == std::vector{true, true, true, true});
}

TEST_CASE("ThinK adds up the query heads of the KV head") {
  kvx_test::Layer layer(4, 2, 1, 2);
  std::fill(layer.keys.begin(), layer.keys.end(), 1.0f);
  const float queries[] = {2, 0, 0, 1, 1, 0, 0, 2};
  std::copy(std::begin(queries), std::end(queries), layer.queries.begin());
  CHECK(channels(layer, {.window = 1}, 0) == std::vector{true, false});
  CHECK(channels(layer, {.window = 1}, 1) == std::vector{false, true});
}

TEST_CASE("ThinK keeps all rows") {
  const kvx_test::Layer layer(1, 2, 6, 2);
  CHECK(select(ThinK(), layer.input(), Allowance::of_ratio(0.5)) == keep_all(2, 6));
  CHECK(ThinK().rows(layer.input(), {0.5, 3}) == 12);
}

TEST_CASE("ThinK checks its parameters") {
  CHECK(error_of([] { ThinK{.ratio = 1}.validate(); }) == "think: ratio: expected 0 <= ratio < 1, found 1.000000");
  CHECK(error_of([] { ThinK{.window = 0}.validate(); }) == "think: window: expected 1 or more, found 0");
}
