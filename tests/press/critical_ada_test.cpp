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
/// Two heads, the first of higher scores; in both the values grow from row to row.
kvx_test::Layer growing_layer() {
  auto layer = kvx_test::scored_layer({{9, 8, 7, 6, 5, 4}, {3, 2, 1, 1, 1, 1}});
  layer.output(0, 0) = layer.output(0, 2) = 1;
  for (Index h = 0; h < 2; ++h)
    for (Index t = 0; t < 6; ++t) layer.row(layer.values, h, t)[0] = static_cast<float>(t + 1);
  return layer;
}
}  // namespace

TEST_CASE("CriticalAda shares out rows by score, and gives the second half of a head's by score times value") {
  // Heads get five rows and one. The first takes its best two, and of 21, 24, 25, 24 the best three.
  CHECK(kept(growing_layer(), CriticalAdaByFirst{.alpha = 0.3, .epsilon = 0}, Allowance::of_tokens(3)) ==
        Kept{{0, 1, 3, 4, 5}, {0}});
  CHECK(kept(growing_layer(), CriticalAdaByFirst{.alpha = 0.3, .epsilon = 0, .first = 1}, Allowance::of_tokens(3)) ==
        Kept{{0, 1, 2, 3, 4}, {0}});
}

TEST_CASE("CriticalAda's safe rows are each head's best, whatever their values") {
  // Four and two rows: the safe two of the second head are its first ones, though the last weighs more than the second.
  CHECK(kept(growing_layer(), CriticalAdaByFirst{.alpha = 0.7, .epsilon = 0, .first = 0}, Allowance::of_tokens(3)) ==
        Kept{{0, 1, 4, 5}, {0, 1}});  // of equal ones the newer
}

TEST_CASE("CriticalAda wraps only what scores, and needs the output projection") {
  CHECK(error_of([] { CriticalAdaByFirst{.alpha = -1}.validate(); }) ==
        "critical_ada: alpha: expected 0 <= alpha <= 1, found -1.000000");
  CHECK(error_of([] { CriticalAdaByFirst{.first = 2}.validate(); }) ==
        "critical_ada: first: expected 0 <= first <= 1, found 2.000000");
  CHECK(error_of([] { CriticalAda<PyramidKV>().validate(); }) ==
        "critical_ada: expected a press that only scores, found pyramidkv");
  CHECK(CriticalAdaByFirst().needs().output_projection);
  CHECK(Hooks(CriticalAdaByFirst()).traits().ragged);
}
