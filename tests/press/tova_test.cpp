#include <kvx/press/tova.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/one_hot.hpp"

using namespace kvx;
using kvx_test::point;

namespace {
Kept kept_by_tova(const kvx_test::Layer& layer, Index keep) {
  return Press<Tova>(Allowance::of_tokens(keep)).select(layer.input(Tova().needs()));
}
}  // namespace

TEST_CASE("Tova keeps the rows that the last query attends to, and the last row") {
  auto layer = kvx_test::one_hot_layer(1, 1, 6);
  point(layer, layer.queries, 0, 5, 2);
  point(layer, layer.queries, 0, 4, 3);  // not the last query
  CHECK(kept_by_tova(layer, 2) == Kept{{2, 5}});
  CHECK(kept_by_tova(layer, 1) == Kept{{5}});
}

TEST_CASE("Tova keeps the same tokens in every KV head, by the mean over all query heads") {
  auto layer = kvx_test::one_hot_layer(4, 2, 6);
  const Index targets[] = {1, 3, 3, 4};
  for (Index i = 0; i < 4; ++i) point(layer, layer.queries, i, 5, targets[i]);
  CHECK(kept_by_tova(layer, 2) == Kept{{3, 5}, {3, 5}});
  CHECK(kept_by_tova(layer, 4) == Kept{{1, 3, 4, 5}, {1, 3, 4, 5}});
  Matrix<float> scores(2, 6);
  Tova().score(layer.input(Tova().needs()), {}, view(scores));
  CHECK(scores(0, 3) == doctest::Approx(0.5));
  CHECK(scores(0, 5) == doctest::Approx(1.5));
  CHECK(scores.row(0) == scores.row(1));
}

TEST_CASE("Tova scores a context of one token") {
  const auto layer = kvx_test::one_hot_layer(1, 1, 1);
  Matrix<float> scores(1, 1);
  Tova().score(layer.input(Tova().needs()), {}, view(scores));
  CHECK(scores(0, 0) == 1);
}
