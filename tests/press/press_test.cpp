#include <kvx/press/press.hpp>

#include <doctest/doctest.h>

#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>

#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("a press keeps what its policy and its ratio say") {
  const kvx_test::Layer ten_tokens(1, 1, 10, 2);
  const Press<StreamingLLM> press(0.5, {.sinks = 2});
  CHECK(press.select(ten_tokens.input()).at(0) == std::vector<Index>{0, 1, 7, 8, 9});
}

TEST_CASE("a press takes an allowance in tokens or bytes too") {
  const kvx_test::Layer ten_tokens(1, 1, 10, 2);
  CHECK(Press<StreamingLLM>(Allowance::of_tokens(6)).select(ten_tokens.input()) == Kept{{0, 1, 2, 3, 8, 9}});
  CHECK(Press<StreamingLLM>(Allowance::of_bytes(6 * 20)).select(ten_tokens.input()) == Kept{{0, 1, 2, 3, 8, 9}});
}

TEST_CASE("a press tells what it needs") { CHECK(Press<SnapKV>(0.5, {.window = 32}).needs().queries == 32); }

TEST_CASE("a ratio or a parameter out of its range is an error at once") {
  CHECK(error_of([] { Press<SnapKV>(1.0); }) == "ratio: expected 0 <= ratio < 1, found 1.000000");
  CHECK(error_of([] { Press<SnapKV>(0.5, {.kernel = 2}); }) == "snapkv: kernel: expected an odd number, found 2");
}

TEST_CASE("an empty input is an error under every kind of allowance") {
  for (const auto& allowance : {Allowance::of_ratio(0.5), Allowance::of_tokens(3), Allowance::of_bytes(1000)})
    CHECK(error_of([&] { Press<StreamingLLM>(allowance).select({}); }) ==
          "streaming_llm: PressInput::keys: expected at least one row, found none");
}
