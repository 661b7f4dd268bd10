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

TEST_CASE("Finch numbers the rows that stay anew, as in kvpress, unless rerotate is false") {
  const auto layer = kvx_test::Layer::random(1, 1, 12, 8, 5);
  const Finch finch{.window = 3}, plain{.window = 3, .rerotate = false};
  CHECK(Hooks(finch).traits().dense_positions);
  CHECK(Hooks(finch).traits().edits);
  CHECK_FALSE(Hooks(plain).traits().edits);
  const auto pressed = [&](const Finch& policy) {
    kvx_test::Layer own = layer;
    const auto tensor = [&](std::vector<float>& data) { return TensorView<float>::head_major(data.data(), 1, 12, 8); };
    std::vector<Position> positions(12);
    std::iota(positions.begin(), positions.end(), 0);
    const Kept kept =
        Press<Finch>(0.5, policy).apply(own.input(policy.needs()), tensor(own.keys), tensor(own.values), positions);
    positions.resize(kept.front().size());
    return std::pair(own, positions);
  };
  const Kept kept = select(plain, layer.input(plain.needs()), Allowance::of_ratio(0.5));
  CHECK(kept == Press<Finch>(0.5, plain).select(layer.input(plain.needs())));
  const auto [turned, dense] = pressed(finch);
  const auto [same, own] = pressed(plain);
  CHECK(dense == std::vector<Position>{0, 1, 2, 3, 4, 5});
  CHECK(std::vector<Index>(own.begin(), own.end()) == kept.front());
  const RopeTable back(layer.inv_freq, own), there(layer.inv_freq, dense);
  for (Index j = 0; j < 6; ++j) {
    // A key of zero angle, rotated to where it stands, is what the other two have in common.
    Matrix<float> before = Matrix<float>::Ones(1, 8), after = before;
    back.rotate(j, before.data());
    there.rotate(j, after.data());
    const auto channels = [&](const kvx_test::Layer& of, const Matrix<float>& by) {
      const auto key = of.input().keys.head(0).row(j);
      std::vector<float> products;  // of complex channels with conjugates, which do not change when both are turned
      for (Index c = 0; c < 4; ++c) {
        products.push_back(key[c] * by(0, c) + key[c + 4] * by(0, c + 4));
        products.push_back(key[c + 4] * by(0, c) - key[c] * by(0, c + 4));
      }
      return products;
    };
    const auto old = channels(same, before), moved = channels(turned, after);
    for (std::size_t i = 0; i < old.size(); ++i) CHECK(moved[i] == doctest::Approx(old[i]).epsilon(1e-4));
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
