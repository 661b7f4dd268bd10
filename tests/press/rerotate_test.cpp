#include <kvx/press/rerotate.hpp>

#include <doctest/doctest.h>

#include <kvx/press/finch.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/think.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("Rerotate rotates the keys that stay to the positions 0, 1, 2, ...") {
  const auto layer = kvx_test::Layer::random(1, 1, 12, 8, 5);
  const std::vector<Index> kept = {0, 3, 4, 11};
  std::vector<Position> original(kept.begin(), kept.end()), positions = original;
  const std::vector<Position> dense = {0, 1, 2, 3};
  const RopeTable before(layer.inv_freq, original), after(layer.inv_freq, dense);
  Matrix<float> keys(4, 8), expected(4, 8), values = Matrix<float>::Ones(4, 8);
  for (Index j = 0; j < 4; ++j) {
    keys.row(j) = expected.row(j) = layer.input().keys.head(0).row(kept[static_cast<std::size_t>(j)]);
    before.rotate(j, keys.row(j).data());
    after.rotate(j, expected.row(j).data());
  }
  Rerotate<Knorm>().edit(layer.input(), 0, kept, {view(keys), view(values), positions});
  CHECK(keys.isApprox(expected, 1e-5f));
  CHECK(positions == dense);
  CHECK(values == Matrix<float>::Ones(4, 8));
}

TEST_CASE("Rerotate keeps the rows that the wrapped press keeps") {
  const auto layer = kvx_test::Layer::random(2, 1, 20, 4, 1);
  const Finch finch{.window = 3, .chunk = 7, .rerotate = false};
  const PressInput in = layer.input(finch.needs());
  const Budget budget{0.4, 12};
  const auto allowance = Allowance::of_ratio(0.4);
  CHECK(select(Rerotate<Finch>{finch}, in, allowance) == select(finch, in, allowance));
  CHECK(Hooks(Rerotate<Finch>{finch}).rows(in, budget) == finch.rows(in, budget));
  CHECK(Hooks(Rerotate<Knorm>()).traits().dense_positions);
}

TEST_CASE("Rerotate refuses a press that rewrites rows itself") {
  CHECK(error_of([] { Rerotate<ThinK>().validate(); }) ==
        "rerotate: expected a press that does not rewrite rows, found think");
}
