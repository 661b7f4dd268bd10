#include <kvx/press/streaming_llm.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {
std::vector<Index> kept_of_ten(Index keep, int sinks) {
  return Press<StreamingLLM>(Allowance::of_tokens(keep), {.sinks = sinks})
      .select(kvx_test::Layer(1, 1, 10, 2).input())
      .at(0);
}
}  // namespace

TEST_CASE("StreamingLLM keeps the sinks and the most recent tokens") {
  CHECK(kept_of_ten(5, 2) == std::vector<Index>{0, 1, 7, 8, 9});
  CHECK(kept_of_ten(9, 2) == std::vector<Index>{0, 1, 3, 4, 5, 6, 7, 8, 9});
  CHECK(kept_of_ten(3, 0) == std::vector<Index>{7, 8, 9});
}

TEST_CASE("StreamingLLM keeps the newest sinks if the budget has no room for all of them") {
  CHECK(kept_of_ten(4, 4) == std::vector<Index>{0, 1, 2, 3});
  CHECK(kept_of_ten(2, 4) == std::vector<Index>{2, 3});
  CHECK(kept_of_ten(3, 9) == std::vector<Index>{6, 7, 8});
}

TEST_CASE("StreamingLLM is not applicable to a context that is not longer than its sinks") {
  CHECK_THROWS_AS(kept_of_ten(5, 10), NotApplicable);
  CHECK(error_of([] { kept_of_ten(5, 10); }) ==
        "streaming_llm: a context of 10 tokens is not longer than its 10 sinks");
  CHECK(kept_of_ten(10, 10).size() == 10);
}

TEST_CASE("StreamingLLM refuses a negative number of sinks") {
  CHECK(error_of([] { StreamingLLM{.sinks = -1}.validate(); }) == "streaming_llm: sinks: expected 0 or more, found -1");
}
