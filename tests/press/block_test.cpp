#include <kvx/press/block.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/pyramidkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

#include <cmath>
#include <string_view>
#include <vector>

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;

namespace {
/// Scores a row by the distance of its key from the first row's key, plus its value.
struct FromFirst {
  static constexpr std::string_view name = "from_first";
  std::vector<Index>* seen = nullptr;
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    if (seen != nullptr) seen->push_back(in.tokens());
    for (Index h = 0; h < out.rows(); ++h)
      for (Index j = 0; j < out.cols(); ++j)
        out(h, j) = std::abs(in.keys.row(h, j)[0] - in.keys.row(h, 0)[0]) + in.values.row(h, j)[0];
  }
};
}  // namespace

TEST_CASE("Block keeps, in each head, the best of the rows kept so far and the next block") {
  const auto layer = kvx_test::scored_layer({{0, 5, 1, 4, 6, 2}, {9, 0, 8, 1, 1, 7}});
  for (const int block : {1, 2, 128})
    CHECK(kept(layer, Block<FirstChannel>{.block = block}, Allowance::of_tokens(2)) == Kept{{1, 4}, {0, 2}});
}

TEST_CASE("Block scores without the rows that it has evicted") {
  std::vector<Index> seen;
  const auto layer = kvx_test::scored_layer({{0, 1, 3, 5, 4}});
  // Of the keys 0, 1, 3 the first is evicted. Then distances are from 1: of 1, 3, 5 the first is evicted, and so of 3,
  // 5, 4.
  CHECK(kept(layer, Block<FromFirst>{{&seen}, 1}, Allowance::of_tokens(2)) == Kept{{3, 4}});
  CHECK(seen == std::vector<Index>{3, 3, 3});
  seen.clear();
  CHECK(kept(layer, Block<FromFirst>{{&seen}, 2}, Allowance::of_tokens(2)) == Kept{{3, 4}});
  CHECK(seen == std::vector<Index>{4, 3});
  CHECK(kept(layer, Block<FromFirst>{.block = 3}, Allowance::of_tokens(2)) == Kept{{3, 4}});
}

TEST_CASE("Block passes the values of the rows to the wrapped press") {
  auto layer = kvx_test::scored_layer({{0, 0, 0, 0}});
  layer.row(layer.values, 0, 1)[0] = 2;
  layer.row(layer.values, 0, 3)[0] = 1;
  CHECK(kept(layer, Block<FromFirst>{.block = 1}, Allowance::of_tokens(2)) == Kept{{1, 3}});
}

TEST_CASE("Block gives rows that stay the score 1, and others 0") {
  const auto layer = kvx_test::scored_layer({{3, 1, 2}});
  Matrix<float> scores(1, 3);
  Block<FirstChannel>().score(layer.input(), {.ratio = 1 / 3.0, .keep = 2}, view(scores));
  CHECK(scores == Matrix<float>{{1, 0, 1}});
  CHECK(Hooks(Block<FirstChannel>()).traits().scores_by_budget);
}

TEST_CASE("Block wraps only presses that only score and can do so from a part of the rows") {
  CHECK(error_of([] { Block<FirstChannel>{.block = 0}.validate(); }) == "block: block: expected 1 or more, found 0");
  CHECK(error_of([] { Block<PyramidKV>().validate(); }) == "block: expected a press that only scores, found pyramidkv");
  CHECK(error_of([] { Block<ObservedAttention>().validate(); }) ==
        "block: expected a press that does not need the attention of all queries, found observed_attention");
}
