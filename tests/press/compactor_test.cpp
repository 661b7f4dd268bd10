#include <kvx/press/compactor.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
/// Before RoPE, the key of row 2 differs from the others. All values have length 0, so all rows have the same attention
/// score.
kvx_test::Layer layer_of_keys() {
  kvx_test::Layer layer(1, 1, 6, 2);
  layer.pre_rope_keys = {1, 0, 1, 0, 0, 5, 1, 0, 1, 0, 1, 0};
  return layer;
}
const std::vector<Matrix<float>> kIdentity = {Matrix<float>::Identity(2, 2)};
}  // namespace

TEST_CASE("Compactor keeps its first and last rows, and the key with the highest leverage") {
  const kvx_test::Layer layer = layer_of_keys();
  const Compactor policy{.sinks = 1, .recent = 1, .sketches = kIdentity};
  const PressInput in = layer.input(policy.needs());
  CHECK(Press<Compactor>(0.5, policy).select(in) == Kept{{0, 2, 5}});
  Matrix<float> half(1, 6), quarter(1, 6);
  policy.score(in, {0.5, 3}, view(half));
  Compactor{.sinks = 1, .recent = 1, .blending = 0.25, .sketches = kIdentity}.score(in, {0.5, 3}, view(quarter));
  CHECK(half(0, 2) > half(0, 1));
  CHECK(half.isApprox(2 * quarter, 1e-5f));  // the default of `blending` is the ratio
  CHECK(half(0, 0) == half(0, 2));
}

TEST_CASE("Compactor is not applicable to a context of no more than its first and last rows") {
  const kvx_test::Layer layer = layer_of_keys();
  CHECK(error_of([&] { Press<Compactor>(0.5, {.sinks = 4, .recent = 2}).select(layer.input(Compactor().needs())); }) ==
        "compactor: a context of 6 tokens is not longer than its 4 sinks and 2 recent tokens");
  CHECK(error_of([] { Compactor{.chunk = 0}.validate(); }) == "compactor: chunk: expected 1 or more, found 0");
}
