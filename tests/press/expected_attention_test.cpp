#include <kvx/press/expected_attention.hpp>

#include <doctest/doctest.h>

#include <kvx/press/press.hpp>

#include <cmath>
#include <numbers>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;
using kvx_test::point;

namespace {
constexpr ExpectedAttention kMeanOnly{.future = 1, .sinks = 0, .covariance = false, .vnorm = false};

Kept kept(const kvx_test::Layer& layer, const ExpectedAttention& policy, Index keep) {
  return Press<ExpectedAttention>(Allowance::of_tokens(keep), policy).select(layer.input(policy.needs()));
}
Matrix<float> scores(const kvx_test::Layer& layer, const ExpectedAttention& policy) {
  Matrix<float> out(layer.kv_heads, layer.tokens);
  policy.score(layer.input(policy.needs()), {}, view(out));
  return out;
}

/// 6 tokens of 2 channels, rotated by `angle` per position. Key 2 points along the first channel, key 4 along the
/// second; each query is `length` along the first channel.
kvx_test::Layer two_channels(float angle, float length) {
  kvx_test::Layer layer(1, 1, 6, 2);
  layer.inv_freq = {angle};
  layer.row(layer.keys, 0, 2)[0] = layer.row(layer.keys, 0, 4)[1] = 1;
  for (Index t = 0; t < 6; ++t) layer.row(layer.pre_rope_queries, 0, t)[0] = length;
  return layer;
}
}  // namespace

TEST_CASE("ExpectedAttention keeps the sinks and the rows that the mean query attends to") {
  auto layer = kvx_test::one_hot_layer(1, 1, 6);  // no rotation: inv_freq is zero
  for (Index t = 0; t < 6; ++t) point(layer, layer.pre_rope_queries, 0, t, 4);
  ExpectedAttention policy = kMeanOnly;
  CHECK(kept(layer, policy, 2) == Kept{{4, 5}});
  policy.sinks = 2;
  CHECK(kept(layer, policy, 3) == Kept{{0, 1, 4}});
}

TEST_CASE("ExpectedAttention leaves the sinks' queries out of the mean") {
  auto layer = kvx_test::one_hot_layer(1, 1, 6);
  for (Index t = 0; t < 6; ++t) point(layer, layer.pre_rope_queries, 0, t, t < 2 ? 3 : 5);
  ExpectedAttention policy = kMeanOnly;
  policy.sinks = 2;
  CHECK(scores(layer, policy)(0, 3) < 1e-6f);
  CHECK(scores(layer, policy)(0, 5) == doctest::Approx(1));
}

TEST_CASE("ExpectedAttention rotates the mean query to the positions after the context") {
  const float quarter = std::numbers::pi_v<float> / 2;
  CHECK(kept(two_channels(0, 1e4f), kMeanOnly, 1) == Kept{{2}});
  CHECK(kept(two_channels(quarter / 6, 1e4f), kMeanOnly, 1) == Kept{{4}});  // position 6: a quarter turn
}

TEST_CASE("ExpectedAttention averages the rotation over the next positions") {
  const auto layer =
      two_channels(std::numbers::pi_v<float>, 100);  // half a turn per position: two positions cancel out
  ExpectedAttention policy = kMeanOnly;
  CHECK(kept(layer, policy, 1) == Kept{{2}});
  policy.future = 2;
  CHECK(scores(layer, policy)(0, 2) == doctest::Approx(1 / 6.0).epsilon(1e-3));
  policy.future = 3;  // a third of the query is left: exp(100 / 3 / sqrt(2))
  CHECK(scores(layer, policy)(0, 2) == doctest::Approx(1));
}

TEST_CASE("ExpectedAttention scores keys higher along which queries vary") {
  auto layer = two_channels(0, 0);
  for (Index t = 0; t < 6; ++t) layer.row(layer.pre_rope_queries, 0, t)[1] = t % 2 == 0 ? 2.0f : -2.0f;
  ExpectedAttention policy = kMeanOnly;
  CHECK(scores(layer, policy)(0, 4) == doctest::Approx(1 / 6.0));
  policy.covariance = true;  // variance 4, over 2 head_dim: the logit of key 4 is 1, of the others 0
  CHECK(scores(layer, policy)(0, 4) == doctest::Approx(std::numbers::e / (std::numbers::e + 5)));
  CHECK(scores(layer, policy)(0, 2) == doctest::Approx(1 / (std::numbers::e + 5)));
}

TEST_CASE("ExpectedAttention rotates the covariance, too") {
  auto layer = two_channels(std::numbers::pi_v<float> / 12, 0);  // position 6: a quarter turn
  for (Index t = 0; t < 6; ++t) layer.row(layer.pre_rope_queries, 0, t)[1] = t % 2 == 0 ? 2.0f : -2.0f;
  ExpectedAttention policy = kMeanOnly;
  policy.covariance = true;
  CHECK(kept(layer, policy, 1) == Kept{{2}});
}

TEST_CASE("ExpectedAttention multiplies attention plus epsilon by the norm of the value") {
  auto layer = kvx_test::one_hot_layer(1, 1, 6);
  for (Index t = 0; t < 6; ++t) layer.row(layer.values, 0, t)[0] = -static_cast<float>(t);
  ExpectedAttention policy = kMeanOnly;
  policy.vnorm = true;
  CHECK(scores(layer, policy)(0, 3) == doctest::Approx(3 / 6.0));
  CHECK(kept(layer, policy, 2) == Kept{{4, 5}});
  for (Index t = 0; t < 6; ++t) point(layer, layer.pre_rope_queries, 0, t, 1);
  CHECK(kept(layer, policy, 1) == Kept{{1}});
  policy.epsilon = 10;
  CHECK(scores(layer, policy)(0, 1) == doctest::Approx(11));
  CHECK(kept(layer, policy, 1) == Kept{{5}});
}

TEST_CASE("ExpectedAttention averages over the query heads of the KV head") {
  auto layer = kvx_test::one_hot_layer(4, 2, 6);
  const Index targets[] = {1, 3, 2, 2};
  for (Index i = 0; i < 4; ++i)
    for (Index t = 0; t < 6; ++t) point(layer, layer.pre_rope_queries, i, t, targets[i]);
  const auto found = scores(layer, kMeanOnly);
  CHECK(found(0, 1) == doctest::Approx(0.5));
  CHECK(found(0, 2) == doctest::Approx(0));
  CHECK(found(0, 3) == doctest::Approx(0.5));
  CHECK(found(1, 2) == doctest::Approx(1));
}

TEST_CASE("ExpectedAttention is not applicable to a context that is not longer than its sinks") {
  const auto layer = kvx_test::one_hot_layer(1, 1, 4);
  CHECK_THROWS_AS(kept(layer, {}, 2), NotApplicable);
  CHECK(error_of([&] { kept(layer, {}, 2); }) ==
        "expected_attention: a context of 4 tokens is not longer than its 4 sinks");
  CHECK(kept(layer, {.sinks = 3}, 2) == Kept{{1, 2}});
}

TEST_CASE("ExpectedAttention refuses a future of 0 positions and a negative number of sinks") {
  CHECK(error_of([] { ExpectedAttention{.future = 0}.validate(); }) ==
        "expected_attention: future: expected 1 or more, found 0");
  CHECK(error_of([] { ExpectedAttention{.sinks = -1}.validate(); }) ==
        "expected_attention: sinks: expected 0 or more, found -1");
}
