#include <kvx/press/observed_attention.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/layer.hpp"

using namespace kvx;

namespace {
Kept kept_by_observed_attention(const kvx_test::Layer& layer, Index keep) {
  return Press<ObservedAttention>(Allowance::of_tokens(keep)).select(layer.input(ObservedAttention().needs()));
}
}  // namespace

TEST_CASE("ObservedAttention divides the attention that a row received by the number of queries that see it") {
  kvx_test::Layer layer(1, 1, 4, 2);
  layer.attention = {2, 2.4f, 1, 0.6f};  // by 4, 3, 2 and 1 queries: 0.5, 0.8, 0.5, 0.6
  CHECK(kept_by_observed_attention(layer, 1) == Kept{{1}});
  CHECK(kept_by_observed_attention(layer, 2) == Kept{{1, 3}});
  CHECK(kept_by_observed_attention(layer, 3) == Kept{{1, 2, 3}});
}

TEST_CASE("ObservedAttention averages over the query heads of the KV head") {
  kvx_test::Layer layer(4, 2, 3, 2);
  layer.attention = {3, 0, 0, /**/ 0, 4, 0, /**/ 0, 0, 1, /**/ 0, 0, 1};
  CHECK(kept_by_observed_attention(layer, 1) == Kept{{1}, {2}});
  Matrix<float> scores(2, 3);
  ObservedAttention().score(layer.input(ObservedAttention().needs()), {}, view(scores));
  CHECK(scores(0, 0) == 0.5f);
  CHECK(scores(0, 1) == 1);
  CHECK(scores(1, 2) == 1);
}
