#include <kvx/press/random.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "support/layer.hpp"

using namespace kvx;

namespace {
Kept drawn(std::optional<std::uint64_t> seed, Index layer_index) {
  const kvx_test::Layer layer(4, 4, 100, 2);
  PressInput in = layer.input();
  in.layer = layer_index;
  in.layers = 1000;
  return Press<Random>(0.5, {.seed = seed}).select(in);
}
}  // namespace

TEST_CASE("Random keeps the same rows in every run, and other rows in each head and layer") {
  const Kept kept = drawn({}, 0);
  CHECK(kept[0].size() == 50);
  CHECK(drawn({}, 0) == kept);
  CHECK(kept[0] != kept[1]);
  CHECK(drawn({}, 1) != kept);
}

TEST_CASE("Random with a seed keeps the same rows in all layers, and other rows with another seed") {
  CHECK(drawn(7, 0) == drawn(7, 1));
  CHECK(drawn(7, 0) != drawn(8, 0));
}

TEST_CASE("Random keeps all rows about equally often") {
  std::vector<int> count(100);
  for (Index layer = 0; layer < 1000; ++layer)
    for (const auto& head : drawn({}, layer))
      for (const Index row : head) ++count[static_cast<std::size_t>(row)];
  for (const int times : count) CHECK(std::abs(times - 2000) < 5 * std::sqrt(4000 * 0.25));  // five standard deviations
}
