#include <kvx/press/canary_streaming_llm.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("CanaryStreamingLLM keeps the sinks and the last rows, and rounds their number, halves to even") {
  const kvx_test::Layer layer(2, 2, 8, 2);
  const CanaryStreamingLLM policy{.sinks = 2};
  CHECK(Press<CanaryStreamingLLM>(0.5, policy).select(layer.input()) == Kept{{0, 1, 6, 7}, {0, 1, 6, 7}});
  CHECK(Press<CanaryStreamingLLM>(0.8125, policy).select(layer.input()) == Kept{{0, 1}, {0, 1}});  // 1.5 rows
  CHECK(error_of([] { CanaryStreamingLLM{.sinks = -1}.validate(); }) ==
        "canary_streaming_llm: sinks: expected 0 or more, found -1");
}
