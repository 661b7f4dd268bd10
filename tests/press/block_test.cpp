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
/// Scores a row by how far its key is from that of the first row.
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

TEST_CASE("Block keeps the best of what it has and of the next block, head by head") {
  const auto layer = kvx_test::scored_layer({{0, 5, 1, 4, 6, 2}, {9, 0, 8, 1, 1, 7}});
  for (const int block : {1, 2, 128})
    CHECK(kept(layer, Block<FirstChannel>{.block = block}, Allowance::of_tokens(2)) == Kept{{1, 4}, {0, 2}});
}

TEST_CASE("Block does not look back at what it has dropped") {
  std::vector<Index> seen;
  const auto layer = kvx_test::scored_layer({{0, 1, 3, 5, 4}});
  // Of 0, 1, 3 the first goes, then distances are from 1: of 1, 3, 5 the first goes, and of 3, 5, 4.
  CHECK(kept(layer, Block<FromFirst>{{&seen}, 1}, Allowance::of_tokens(2)) == Kept{{3, 4}});
  CHECK(seen == std::vector<Index>{3, 3, 3});
  seen.clear();
  CHECK(kept(layer, Block<FromFirst>{{&seen}, 2}, Allowance::of_tokens(2)) == Kept{{3, 4}});
  CHECK(seen == std::vector<Index>{4, 3});
  CHECK(kept(layer, Block<FromFirst>{.block = 3}, Allowance::of_tokens(2)) == Kept{{3, 4}});
}

TEST_CASE("Block hands over the values of the rows that it scores") {
  auto layer = kvx_test::scored_layer({{0, 0, 0, 0}});
  layer.row(layer.values, 0, 1)[0] = 2;
  layer.row(layer.values, 0, 3)[0] = 1;
  CHECK(kept(layer, Block<FromFirst>{.block = 1}, Allowance::of_tokens(2)) == Kept{{1, 3}});
}

TEST_CASE("Block scores what stays by 1 and the rest by 0") {
  const auto layer = kvx_test::scored_layer({{3, 1, 2}});
  Matrix<float> scores(1, 3);
  Block<FirstChannel>().score(layer.input(), {.ratio = 1 / 3.0, .keep = 2}, view(scores));
  CHECK(scores == Matrix<float>{{1, 0, 1}});
  CHECK(Hooks(Block<FirstChannel>()).traits().scores_by_budget);
}

TEST_CASE("Block wraps only what scores by something that can be cut") {
  CHECK(error_of([] { Block<FirstChannel>{.block = 0}.validate(); }) == "block: block: expected 1 or more, found 0");
  CHECK(error_of([] { Block<PyramidKV>().validate(); }) == "block: expected a press that only scores, found pyramidkv");
  CHECK(error_of([] { Block<ObservedAttention>().validate(); }) ==
        "block: expected a press that does not need the attention of all queries, found observed_attention");
}
