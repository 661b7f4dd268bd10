#include <kvx/press/leverage.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("LeverageScore keeps, in each head, the key that differs from the others before RoPE") {
  kvx_test::Layer layer(2, 2, 5, 2);
  layer.pre_rope_keys = {1, 0, 1, 0, 0, 5, 1, 0, 1, 0,  //
                         7, 7, 0, 1, 0, 1, 0, 1, 0, 1};
  const LeverageScore policy{.sketches = {Matrix<float>::Identity(2, 2), Matrix<float>::Identity(2, 2)}};
  CHECK(Press<LeverageScore>(Allowance::of_tokens(1), policy).select(layer.input(policy.needs())) == Kept{{2}, {0}});
}

TEST_CASE("LeverageScore draws its projections from the seed, and needs one for each head") {
  const auto layer = kvx_test::Layer::random(2, 2, 20, 8, 1);
  const PressInput in = layer.input(LeverageScore().needs());
  const auto scores = [&](std::uint64_t seed) {
    Matrix<float> all(2, 20);
    LeverageScore{.sketch = 2, .seed = seed}.score(in, {}, view(all));
    return all;
  };
  CHECK(scores(1) == scores(1));
  CHECK(scores(1) != scores(2));
  CHECK(error_of([&] { Press<LeverageScore>(0.5, {.sketches = {Matrix<float>::Identity(8, 2)}}).select(in); }) ==
        "leverage: sketches: expected 2 of 8 rows, found 1 of 8");
  CHECK(error_of([] { LeverageScore{.sketch = 0}.validate(); }) == "leverage: sketch: expected 1 or more, found 0");
}
