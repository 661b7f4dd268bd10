#include <kvx/press/keydiff.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include <cmath>

#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("KeyDiff keeps the keys that point away from the mean direction, whatever their length is") {
  kvx_test::Layer layer(2, 2, 4, 2);
  layer.keys = {1, 0, /**/ 0, 1, /**/ 2, 0, /**/ 9, 0,  // row 1 is at a right angle to the others
                0, 3, /**/ 0, 1, /**/ 0, 2, /**/ 4, 0};
  CHECK(Press<KeyDiff>(Allowance::of_tokens(1)).select(layer.input()) == Kept{{1}, {3}});
  Matrix<float> scores(2, 4);
  KeyDiff().score(layer.input(), {}, view(scores));
  CHECK(scores(0, 0) == doctest::Approx(-3 / std::sqrt(10.0)));  // the mean of the directions is along (3, 1)
  CHECK(scores(0, 1) == doctest::Approx(-1 / std::sqrt(10.0)));
  CHECK(scores(0, 3) == doctest::Approx(scores(0, 0)));
}
