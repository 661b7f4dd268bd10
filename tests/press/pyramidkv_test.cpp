#include <kvx/press/pyramidkv.hpp>

#include <doctest/doctest.h>

#include <kvx/press/allowance.hpp>
#include <kvx/press/snapkv.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
std::vector<Index> rows_of_layers(const Budget& budget, const PyramidKV& policy) {
  const kvx_test::Layer layer(2, 2, 100, 2);
  PressInput in = layer.input();
  in.layers = 4;
  std::vector<Index> rows;
  for (in.layer = 0; in.layer < in.layers; ++in.layer) rows.push_back(policy.rows(in, budget) / 2);
  return rows;
}
}  // namespace

TEST_CASE("PyramidKV gives layers from 2 mean - mean / beta rows down to mean / beta rows") {
  const PyramidKV policy{.window = 1, .kernel = 1, .beta = 20};
  CHECK(rows_of_layers({0.5, 50}, policy) == std::vector<Index>{98, 66, 34, 2});  // rounded: 97.5, 65.83, 34.17, 2.5
  const std::vector<Index> exact = rows_of_layers(exact_budget(50, 100), policy);
  CHECK(std::accumulate(exact.begin(), exact.end(), Index{0}) == 4 * 50);
  CHECK(std::is_sorted(exact.rbegin(), exact.rend()));
}

TEST_CASE("PyramidKV gives no layer more than tokens - window rows, nor fewer than the window") {
  const PyramidKV policy{.window = 3, .kernel = 1, .beta = 20};
  CHECK(rows_of_layers({0.5, 50}, policy) == std::vector<Index>{97, 66, 34, 3});
  CHECK(rows_of_layers({0.9, 10}, policy) == std::vector<Index>{10, 10, 10, 10});  // the last layer would get 0.5
}

TEST_CASE("PyramidKV scores like SnapKV") {
  const auto layer = kvx_test::Layer::random(4, 2, 30, 6, 1);
  const PyramidKV policy{.window = 5, .kernel = 3};
  const PressInput in = layer.input(policy.needs());
  Matrix<float> scores(2, 30), expected(2, 30);
  policy.score(in, {}, view(scores));
  SnapKV{.window = 5, .kernel = 3}.score(in, {}, view(expected));
  CHECK(scores == expected);
  CHECK(error_of([] { PyramidKV{.beta = 0}.validate(); }) == "pyramidkv: beta: expected 1 or more, found 0");
}
