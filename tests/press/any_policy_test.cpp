#include <kvx/press/any_policy.hpp>

#include <doctest/doctest.h>

#include <kvx/press/none.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

TEST_CASE("AnyPolicy selects and scores like the policy that it holds") {
  const SnapKV snapkv{.window = 3, .kernel = 3};
  const AnyPolicy any(snapkv), copy = any;
  const auto layer = kvx_test::Layer::random(4, 2, 12, 6, 1);
  const PressInput in = layer.input(snapkv.needs());
  const Budget budget{0.5, 6};
  const auto allowance = Allowance::of_ratio(0.5);
  CHECK(any.select(in, allowance) == select(snapkv, in, allowance));
  CHECK(copy.select(in, allowance) == select(snapkv, in, allowance));
  Matrix<float> found(2, 12), expected(2, 12);
  any.score(in, budget, view(found));
  snapkv.score(in, budget, view(expected));
  CHECK(found == expected);
  CHECK(any.needs().queries == 3);
  CHECK(any.written() == "snapkv(window=3, kernel=3)");
}

TEST_CASE("AnyPolicy has the rows and traits of the policy that it holds") {
  const kvx_test::Layer layer(4, 2, 12, 6);
  CHECK(AnyPolicy(None()).rows(layer.input(), {0.5, 6}) == 24);
  CHECK(AnyPolicy(SnapKV()).rows(layer.input(), {0.5, 6}) == 12);
  CHECK(AnyPolicy(StreamingLLM()).traits().scores_by_budget);
  CHECK_FALSE(AnyPolicy(SnapKV()).traits().scores_by_budget);
}

TEST_CASE("AnyPolicy refuses an input that lacks something before it is scored") {
  const AnyPolicy any{ObservedAttention()};
  const kvx_test::Layer layer(1, 1, 4, 2);
  Matrix<float> scores(1, 4);
  const std::string message = "observed_attention: PressInput::attention: expected heads x 4 sums, found 0";
  CHECK(error_of([&] { any.score(layer.input(), {0.5, 2}, view(scores)); }) == message);
  CHECK(error_of([&] { any.select(layer.input(), Allowance::of_tokens(2)); }) == message);
}
