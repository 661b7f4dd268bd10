#include <kvx/press/none.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("None keeps all rows at every budget") {
  const kvx_test::Layer layer(2, 2, 5, 2);
  CHECK(Press<None>(0.0).select(layer.input()) == keep_all(2, 5));
  CHECK(Press<None>(0.9).select(layer.input()) == keep_all(2, 5));
  CHECK(Press<None>(Allowance::of_tokens(1)).select(layer.input()) == keep_all(2, 5));
}
