#include <kvx/press/chunkkv.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/pyramidkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;
using ChunkedByFirst = ChunkKV<FirstChannel>;

TEST_CASE("ChunkKV keeps whole chunks with the highest mean over tokens and heads, the same in all heads") {
  const auto layer = kvx_test::scored_layer({{9, 0, 0, 4, 4, 4, 1, 1, 1, 5}, {0, 0, 0, 0, 0, 0, 5, 5, 5, 0}});
  const ChunkedByFirst policy{.length = 3};  // means 3, 4, 6 and, of the last token, 5
  CHECK(kept(layer, policy, Allowance::of_ratio(0.9)) == Kept{{6, 7, 8}, {6, 7, 8}});
  CHECK(kept(layer, policy, Allowance::of_ratio(0.5)) == Kept{{6, 7, 8, 9}, {6, 7, 8, 9}});
  CHECK(kept(layer, policy, Allowance::of_ratio(0.25)) == Kept{{3, 4, 5, 6, 7, 8, 9}, {3, 4, 5, 6, 7, 8, 9}});
}

TEST_CASE("ChunkKV states the largest number of rows that may stay") {
  const auto layer = kvx_test::scored_layer({{9, 0, 0, 4, 4, 4, 1, 1, 1, 5}, {0, 0, 0, 0, 0, 0, 5, 5, 5, 0}});
  const PressInput in = layer.input();
  const ChunkedByFirst policy{.length = 3};
  CHECK(policy.rows(in, Allowance::of_ratio(0.5).resolve(in)) == 2 * 6);
  CHECK(policy.rows(in, Allowance::of_ratio(0).resolve(in)) == 2 * 10);
  CHECK(ChunkedByFirst{.length = 11}.rows(in, Allowance::of_ratio(0.5).resolve(in)) == 2 * 5);
}

TEST_CASE("ChunkKV keeps the newest of chunks with equal scores, also if it is shorter") {
  const auto layer = kvx_test::scored_layer({{0.1f, 0.1f, 0.1f, 0.1f, 0.1f}});
  CHECK(kept(layer, ChunkedByFirst{.length = 3}, Allowance::of_ratio(0.5)) == Kept{{3, 4}});
}

TEST_CASE("ChunkKV selects single rows of a context that is shorter than one chunk") {
  const auto layer = kvx_test::scored_layer({{1, 3, 2, 4}, {9, 7, 8, 6}});
  CHECK(kept(layer, ChunkedByFirst{.length = 5}, Allowance::of_ratio(0.5)) == Kept{{1, 3}, {0, 2}});
  CHECK(kept(layer, ChunkedByFirst{.length = 4}, Allowance::of_ratio(0.5)) == Kept{{0, 1, 2, 3}, {0, 1, 2, 3}});
}

TEST_CASE("ChunkKV wraps only presses that only score") {
  CHECK(error_of([] { ChunkedByFirst{.length = 0}.validate(); }) == "chunkkv: length: expected 1 or more, found 0");
  CHECK(error_of([] { ChunkKV<PyramidKV>().validate(); }) ==
        "chunkkv: expected a press that only scores, found pyramidkv");
}
