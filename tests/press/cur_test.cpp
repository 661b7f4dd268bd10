#include <kvx/press/cur.hpp>

#include <doctest/doctest.h>

#include <kvx/press/named/registry.hpp>
#include <kvx/press/press.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>

#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("CUR with random leverage scores like kvpress with the same projection") {
  kvx_test::Layer layer(2, 2, 6, 4);
  const int keys[] = {2,  0,  0, 1, -3, 3,  -1, 1,  2,  -3, 3, 3, -3, 3,  3, -1, 3, 2,  3,  2, 3,  3, 2, -3,
                      -1, -1, 1, 2, 2,  -1, 1,  -2, -1, 2,  0, 2, 3,  -1, 1, 1,  1, -1, -2, 1, -3, 2, 3, 3},
            values[] = {-2, -1, 1,  0, 0,  -3, -2, 2, 3,  3, 3, -2, -2, -3, 3, -3, -3, -1, 2,  3, 0, -1, 1,  3,
                        1,  2,  -2, 0, -3, 1,  -1, 0, -3, 2, 0, 3,  2,  -1, 1, 2,  3,  -2, -2, 3, 0, 3,  -2, -1},
            twice[] = {-1, 0, -2, 2,  1,  0,  0, 1,  -2, -1, -1, 0,  -2, -2, 2,  -2, -1, 0,  2,  -1,
                       2,  2, -2, 1,  0,  2,  0, -1, 0,  2,  -2, 1,  -1, 1,  -2, 2,  0,  -2, 2,  -1,
                       0,  0, 0,  -2, -2, 2,  1, 2,  -1, 2,  1,  1,  -1, 2,  -2, 2,  0,  -1, -1, 0,
                       0,  1, 2,  -2, 2,  -1, 0, -2, -1, -2, -2, -1, -2, 2,  1,  -2, -1, 0,  2,  1};
  std::copy(std::begin(keys), std::end(keys), layer.keys.begin());
  std::copy(std::begin(values), std::end(values), layer.values.begin());
  CUR policy{.sinks = 1, .local_window = 4, .random_leverage = true, .projection = Matrix<float>(4, 20)};
  std::copy(std::begin(twice), std::end(twice), policy.projection.data());
  policy.projection /= 2;
  const auto expect = [&](CurLeverage leverage, std::initializer_list<float> expected) {
    policy.leverage = leverage;
    Matrix<float> scores(2, 6);
    policy.score(layer.input(), {}, view(scores));
    auto found = scores.data();
    for (const float score : expected) CHECK(*found++ == doctest::Approx(score).epsilon(1e-5));
  };
  expect(
      CurLeverage::kv_product,
      {1, 0.057311564683914185f, 0.0936046615242958f, 0.2507480978965759f, 0.32077503204345703f, 0.2719489336013794f, 1,
       0.06828318536281586f, 0.19195175170898438f, 0.09822612255811691f, 0.3561939597129822f, 0.2258317619562149f});
  expect(CurLeverage::key, {1, 0.08778625726699829f, 0.11365564167499542f, 0.26533785462379456f, 0.1860465109348297f,
                            0.3139534890651703f, 1, 0.12042088806629181f, 0.1352299302816391f, 0.1484801173210144f,
                            0.13435281813144684f, 0.36564719676971436f});
}

TEST_CASE("CUR draws its projection from the seed and the layer") {
  const auto layer = kvx_test::Layer::random(1, 1, 40, 8, 3);
  const auto kept = [&](std::uint64_t seed, Index number) {
    PressInput in = layer.input();
    in.layer = number;
    in.layers = 2;
    return Press<CUR>(0.5, {.random_leverage = true, .seed = seed}).select(in);
  };
  CHECK(kept(1, 0) == kept(1, 0));
  CHECK(kept(1, 0) != kept(2, 0));
  CHECK(kept(1, 0) != kept(1, 1));
  CHECK(kvx_presses().parse("CURPress(use_random_leverage=True, seed=3)").written() ==
        "cur(random_leverage=true, seed=3)");
  CHECK(kvx_presses().parse("cur", {.seed = 5}).written() == "cur");
  CHECK(kvx_presses().parse("cur(random_leverage=true)", {.seed = 5}).written() == "cur(random_leverage=true, seed=5)");
}
