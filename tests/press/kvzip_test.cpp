#include <kvx/press/kvzip.hpp>

#include <doctest/doctest.h>
#include <kvx/press/press.hpp>

#include <algorithm>
#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
Matrix<float> layer_of(std::vector<float> scores) {
  Matrix<float> layer(1, static_cast<Index>(scores.size()));
  std::copy(scores.begin(), scores.end(), layer.data());
  return layer;
}
}  // namespace

TEST_CASE("KVzip shares a budget over all layers, or gives each layer one, and every head keeps its best row") {
  const std::vector<Matrix<float>> scores = {layer_of({1, 2, 3, 4}), layer_of({5, 6, 7, 8})};
  const Budget half{0.5, 2};
  CHECK(KVzip{}.select_layers(half, scores) == std::vector<Kept>{{{3}}, {{1, 2, 3}}});
  CHECK(KVzip{}.select_layers({0.99, 1}, scores) == std::vector<Kept>{{{3}}, {{3}}});
  CHECK(KVzip{.layerwise = true}.select_layers(half, scores) == std::vector<Kept>{{{2, 3}}, {{2, 3}}});
}

TEST_CASE("KVzip keeps the newer row if scores are equal, also of different layers and heads") {
  const std::vector<Matrix<float>> scores = {layer_of({2, 2, 2, 2}), layer_of({2, 2, 2, 2})};
  CHECK(KVzip{}.select_layers({0.5, 2}, scores) == std::vector<Kept>{{{2, 3}}, {{2, 3}}});
}

TEST_CASE("KVzip rounds down the number of evicted rows, not of kept ones") {
  const std::vector<Matrix<float>> scores = {layer_of({1, 2, 3, 4, 5})};
  CHECK(KVzip{}.select_layers({0.5, 2}, scores) == std::vector<Kept>{{{2, 3, 4}}});
}

TEST_CASE("KVzip keeps the sinks, and the heads of a layer share its budget") {
  kvx_test::Layer layer(2, 2, 4, 2);
  layer.repeated = {0, 9, 1, 8, /* head 1 */ 0, 2, 3, 4};
  const Needs needs = KVzip{}.needs();
  CHECK(Press<KVzip>(0.5, {.sinks = 1}).select(layer.input(needs)) == Kept{{0, 1, 3}, {0}});
  CHECK(error_of([&] { Press<KVzip>(0.5).select(layer.input()); }) ==
        "kvzip: PressInput::repeated: expected 8, found 0");
}

TEST_CASE("KVzip refuses parameters out of their range") {
  CHECK(error_of([] { KVzip{.sinks = -1}.validate(); }) == "kvzip: sinks: expected 0 or more, found -1");
  CHECK(error_of([] { KVzip{.chunk = 0}.validate(); }) == "kvzip: chunk: expected 1 or more, found 0");
}
