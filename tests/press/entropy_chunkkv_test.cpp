#include <kvx/press/entropy_chunkkv.hpp>

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/pyramidkv.hpp>

#include "support/error_of.hpp"
#include "support/first_channel.hpp"

using namespace kvx;
using kvx_test::FirstChannel;
using kvx_test::kept;
using EntropyChunkedByFirst = EntropyChunkKV<FirstChannel>;

TEST_CASE("EntropyChunkKV keeps only the best tokens of a chunk with high but uneven scores") {
  const auto layer = kvx_test::scored_layer({{0, 10, 0, 1, 2, 2, 2, 2, 1, 1, 1, 1}});
  const EntropyChunkedByFirst policy{.length = 4, .low_length = 2};
  CHECK(kept(layer, policy, Allowance::of_tokens(1)) == Kept{{1}});
  CHECK(kept(layer, policy, Allowance::of_tokens(6)) == Kept{{1, 3, 4, 5, 6, 7}});
  CHECK(kept(layer, policy, Allowance::of_tokens(7)) == Kept{{1, 3, 4, 5, 6, 7, 11}});
  CHECK(kept(layer, policy, Allowance::of_tokens(11)) == Kept{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}});
}

TEST_CASE("EntropyChunkKV keeps an uneven chunk with a low score as a whole") {
  const auto layer = kvx_test::scored_layer({{2, 2, 2, 3, 3, 3, 0, 0, 1, 4, 4, 4}});
  CHECK(kept(layer, EntropyChunkedByFirst{.length = 3, .low_length = 1}, Allowance::of_tokens(11)) ==
        Kept{{0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11}});
  // The entropy of the last chunk, of one token, is 0.
  const auto other = kvx_test::scored_layer({{2, 2, 1, 1, 3, 3, 9}});
  CHECK(kept(other, EntropyChunkedByFirst{.length = 2, .low_length = 1}, Allowance::of_tokens(3)) == Kept{{4, 5, 6}});
}

TEST_CASE("EntropyChunkKV adds up the scores of all heads, which keep the same rows") {
  const auto layer = kvx_test::scored_layer({{5, 5, 0, 0}, {0, 0, 6, 6}});
  CHECK(kept(layer, EntropyChunkedByFirst{.length = 2, .low_length = 1}, Allowance::of_tokens(2)) ==
        Kept{{2, 3}, {2, 3}});
}

TEST_CASE("EntropyChunkKV shifts negative scores before it computes their entropy") {
  // The chunks become 7, 0, 0, which is uneven, and 3, 3, 0; the last one stays 4, 4, 4.
  const auto layer = kvx_test::scored_layer({{3, -4, -4, -1, -1, -4, 4, 4, 4}});
  CHECK(kept(layer, EntropyChunkedByFirst{.length = 3, .low_length = 1}, Allowance::of_tokens(5)) ==
        Kept{{0, 4, 6, 7, 8}});
}

TEST_CASE("EntropyChunkKV wraps only presses that only score, and low_length must be less than length") {
  CHECK(error_of([] { EntropyChunkedByFirst{.low_length = 0}.validate(); }) ==
        "entropy_chunkkv: low_length: expected 1 or more, found 0");
  CHECK(error_of([] { EntropyChunkedByFirst{.length = 4}.validate(); }) ==
        "entropy_chunkkv: length: expected more than low_length, 4, found 4");
  CHECK(error_of([] { EntropyChunkKV<PyramidKV>().validate(); }) ==
        "entropy_chunkkv: expected a press that only scores, found pyramidkv");
}
