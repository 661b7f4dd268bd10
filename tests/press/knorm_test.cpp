#include <kvx/press/knorm.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("Knorm keeps the keys with the smallest norm in each head") {
  kvx_test::Layer layer(2, 2, 4, 2);
  layer.keys = {3, 4, /**/ -1, 0, /**/ 0, 2, /**/ 6, -8,  // norms 5, 1, 2, 10
                1, 1, /**/ 9,  9, /**/ 8, 8, /**/ 0, 0};
  CHECK(Press<Knorm>(0.5).select(layer.input()) == Kept{{1, 2}, {0, 3}});
  CHECK(Press<Knorm>(Allowance::of_tokens(1)).select(layer.input()) == Kept{{1}, {3}});
}

TEST_CASE("Knorm also reads a cache in token-major layout") {
  kvx_test::Layer layer(2, 2, 3, 1);
  layer.keys = {1, 9, /**/ 2, 8, /**/ 3, 7};
  PressInput in = layer.input();
  in.keys = TensorView<const float>::token_major(layer.keys.data(), 2, 3, 1);
  CHECK(Press<Knorm>(Allowance::of_tokens(2)).select(in) == Kept{{0, 1}, {1, 2}});
}
