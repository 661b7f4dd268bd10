#include <kvx/press/finch.hpp>

#include <doctest/doctest.h>

#include <kvx/press/named/registry.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/select.hpp>

#include <numeric>
#include <utility>
#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("Finch renumbers the rows that stay, as in kvpress, unless rerotate is false") {
  const auto layer = kvx_test::Layer::random(1, 1, 12, 8, 5);
  const Finch finch{.window = 3}, plain{.window = 3, .rerotate = false};
  CHECK(Hooks(finch).traits().dense_positions);
  CHECK(Hooks(finch).traits().edits);
  CHECK_FALSE(Hooks(plain).traits().edits);
  const auto pressed = [&](const Finch& policy) {
    kvx_test::Layer pressed_layer = layer;
    const auto tensor = [&](std::vector<float>& data) { return TensorView<float>::head_major(data.data(), 1, 12, 8); };
    std::vector<Position> positions(12);
    std::iota(positions.begin(), positions.end(), 0);
    const Kept kept = Press<Finch>(0.5, policy)
                          .apply(pressed_layer.input(policy.needs()), tensor(pressed_layer.keys),
                                 tensor(pressed_layer.values), positions);
    positions.resize(kept.front().size());
    return std::pair(pressed_layer, positions);
  };
  const Kept kept = select(plain, layer.input(plain.needs()), Allowance::of_ratio(0.5));
  CHECK(kept == Press<Finch>(0.5, plain).select(layer.input(plain.needs())));
  const auto [rotated, dense] = pressed(finch);
  const auto [unchanged, original] = pressed(plain);
  CHECK(dense == std::vector<Position>{0, 1, 2, 3, 4, 5});
  CHECK(std::vector<Index>(original.begin(), original.end()) == kept.front());
  const RopeTable original_rope(layer.inv_freq, original), dense_rope(layer.inv_freq, dense);
  for (Index j = 0; j < 6; ++j) {
    // Relative to a vector that is rotated to the same position, a key does not depend on the position.
    Matrix<float> before = Matrix<float>::Ones(1, 8), after = before;
    original_rope.rotate(j, before.data());
    dense_rope.rotate(j, after.data());
    const auto channels = [&](const kvx_test::Layer& pressed_layer, const Matrix<float>& vector) {
      const auto key = pressed_layer.input().keys.head(0).row(j);
      std::vector<float> products;  // of complex channels with conjugates, which do not change if both are rotated
      for (Index c = 0; c < 4; ++c) {
        products.push_back(key[c] * vector(0, c) + key[c + 4] * vector(0, c + 4));
        products.push_back(key[c + 4] * vector(0, c) - key[c] * vector(0, c + 4));
      }
      return products;
    };
    const auto expected = channels(unchanged, before), found = channels(rotated, after);
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-4));
  }
}

TEST_CASE("FinchPress has kvpress's defaults and names") {
  CHECK(kvx_presses().parse("FinchPress(rerotate_keys=False, chunk_length=53)").written() ==
        "finch(chunk=53, rerotate=false)");
  CHECK(kvx_presses().parse("FinchPress").traits().dense_positions);
  CHECK(error_of([] { kvx_presses().parse("rerotate(finch)"); }) ==
        "rerotate: expected a press that does not rewrite rows, found finch");
  CHECK(kvx_presses().parse("rerotate(finch(rerotate=false))").traits().dense_positions);
}
