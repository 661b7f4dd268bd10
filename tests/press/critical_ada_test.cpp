#include <kvx/press/critical_ada.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/pyramidkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;
using CriticalAdaByFirst = CriticalAda<FirstChannel>;

namespace {
/// Two heads, of which the first has higher scores; in both, the values grow from row to row.
kvx_test::Layer growing_layer() {
  auto layer = kvx_test::scored_layer({{9, 8, 7, 6, 5, 4}, {3, 2, 1, 1, 1, 1}});
  layer.output(0, 0) = layer.output(0, 2) = 1;
  for (Index h = 0; h < 2; ++h)
    for (Index t = 0; t < 6; ++t) layer.row(layer.values, h, t)[0] = static_cast<float>(t + 1);
  return layer;
}
}  // namespace

TEST_CASE("CriticalAda gives rows to heads by score, and selects half of a head's rows by score times norm") {
  // The heads get five rows and one row. The first head keeps its best two rows, and of the others, whose weighted
  // scores are 21, 24, 25 and 24, the best three.
  CHECK(kept(growing_layer(), CriticalAdaByFirst{.alpha = 0.3, .epsilon = 0}, Allowance::of_tokens(3)) ==
        Kept{{0, 1, 3, 4, 5}, {0}});
  CHECK(kept(growing_layer(), CriticalAdaByFirst{.alpha = 0.3, .epsilon = 0, .first = 1}, Allowance::of_tokens(3)) ==
        Kept{{0, 1, 2, 3, 4}, {0}});
}

TEST_CASE("CriticalAda keeps the best rows of each head, whatever their values are") {
  // The heads get four and two rows. The second head keeps its first two, though the last row has a higher weighted
  // score than the second.
  CHECK(kept(growing_layer(), CriticalAdaByFirst{.alpha = 0.7, .epsilon = 0, .first = 0}, Allowance::of_tokens(3)) ==
        Kept{{0, 1, 4, 5}, {0, 1}});  // if scores are equal, the newer row stays
}

TEST_CASE("CriticalAda wraps only presses that only score, and needs the output projection") {
  CHECK(error_of([] { CriticalAdaByFirst{.alpha = -1}.validate(); }) ==
        "critical_ada: alpha: expected 0 <= alpha <= 1, found -1.000000");
  CHECK(error_of([] { CriticalAdaByFirst{.first = 2}.validate(); }) ==
        "critical_ada: first: expected 0 <= first <= 1, found 2.000000");
  CHECK(error_of([] { CriticalAda<PyramidKV>().validate(); }) ==
        "critical_ada: expected a press that only scores, found pyramidkv");
  CHECK(CriticalAdaByFirst().needs().output_projection);
  CHECK(Hooks(CriticalAdaByFirst()).traits().ragged);
}
