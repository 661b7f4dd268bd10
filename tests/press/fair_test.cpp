#include <kvx/press/fair.hpp>

#include <doctest/doctest.h>

#include <kvx/press/any_policy.hpp>
#include <kvx/press/duo_attention.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>
#include <kvx/press/tova.hpp>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;
using kvx_test::point;

namespace {
template <class P>
Kept kept(const kvx_test::Layer& layer, const Fair<P>& policy, Index keep) {
  return Press<Fair<P>>(Allowance::of_tokens(keep), policy).select(layer.input(Hooks(policy).needs()));
}
template <class P>
Matrix<float> scores(const kvx_test::Layer& layer, const Fair<P>& policy) {
  Matrix<float> out(layer.kv_heads, layer.tokens);
  policy.score(layer.input(Hooks(policy).needs()), {}, view(out));
  return out;
}
}  // namespace

TEST_CASE("Fair keeps rows of each range in proportion to its tokens") {
  kvx_test::Layer layer(1, 1, 10, 2);
  for (Index t = 0; t < 10; ++t) *layer.row(layer.keys, 0, t) = static_cast<float>(10 - t);
  CHECK(kept(layer, Fair<Knorm>{{}, {1, 4}, {4, 8}}, 5) == Kept{{2, 3, 7, 8, 9}});
  CHECK(kept(layer, Fair<Knorm>{{}, {4, 8}, {1, 4}}, 5) == Kept{{2, 3, 7, 8, 9}});
  CHECK(kept(layer, Fair<Knorm>{{}, {1, 4}, {4, 8}}, 1) == Kept{{9}});
}

TEST_CASE("fair TOVA scores each range by the last query of the range") {
  auto layer = kvx_test::one_hot_layer(2, 1, 8);
  for (Index i = 0; i < 2; ++i) point(layer, layer.queries, i, 3, 1);
  point(layer, layer.queries, 0, 7, 5);
  point(layer, layer.queries, 1, 7, 0);
  const Fair<Tova> fair{{}, {0, 4}, {4, 7}};
  const auto found = scores(layer, fair);
  const float expected[] = {0, 1, 0, 1, 0, 0.5, 0, 0.5};
  for (Index j = 0; j < 8; ++j) CHECK(found(0, j) == doctest::Approx(expected[j]));
  CHECK(kept(layer, fair, 4) == Kept{{1, 3, 5, 7}});
  CHECK(scores(layer, Fair<Tova>{{}, {0, 1}, {1, 7}})(0, 0) == 1);
}

TEST_CASE("fair SnapKV scores each range by half of the window at its end") {
  auto layer = kvx_test::one_hot_layer(1, 1, 10);
  point(layer, layer.queries, 0, 2, 1);  // not in the window
  point(layer, layer.queries, 0, 3, 0);
  point(layer, layer.queries, 0, 4, 0);
  point(layer, layer.queries, 0, 8, 6);
  point(layer, layer.queries, 0, 9, 1);
  const auto found = scores(layer, Fair<SnapKV>{{.window = 4, .kernel = 1}, {0, 5}, {5, 10}});
  const float expected[] = {1, 0, 0, 1, 1, 0, 0.5, 0, 0.5, 0.5};
  for (Index j = 0; j < 10; ++j) CHECK(found(0, j) == doctest::Approx(expected[j]));
  const auto pooled = scores(layer, Fair<SnapKV>{{.window = 4, .kernel = 3}, {0, 5}, {5, 10}});
  CHECK(pooled(0, 1) == doctest::Approx(1 / 3.0));
  CHECK(pooled(0, 5) == doctest::Approx(0.5 / 3));
  CHECK(pooled(0, 4) == doctest::Approx(1 / 3.0));
}

TEST_CASE("fair SnapKV uses more of the window in the later range if the earlier one is too short") {
  auto layer = kvx_test::one_hot_layer(1, 1, 8);
  point(layer, layer.queries, 0, 5, 3);
  const auto found = scores(layer, Fair<SnapKV>{{.window = 4, .kernel = 1}, {0, 1}, {1, 8}});
  CHECK(found(0, 0) == 1);                             // no rows before the window
  CHECK(found(0, 3) > found(0, 2) + 0.3f);             // three queries of the window
  CHECK(found(0, 7) == doctest::Approx(found(0, 3)));  // the window gets the highest score, not more
}

TEST_CASE("fair observed attention does not count the attention from the later span to the earlier one") {
  auto layer = kvx_test::one_hot_layer(1, 1, 6);  // all queries are zero: even attention
  for (Index t = 0; t < 6; ++t)
    for (Index j = 0; j <= t; ++j) layer.attention[static_cast<std::size_t>(j)] += 1 / static_cast<float>(t + 1);
  const auto found = scores(layer, Fair<ObservedAttention>{{}, {1, 3}, {3, 5}});
  CHECK(found(0, 0) == doctest::Approx((1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 5.0 + 1 / 6.0) / 6));
  CHECK(found(0, 1) == doctest::Approx((1 / 2.0 + 1 / 3.0 + 1 / 6.0) / 2));
  CHECK(found(0, 2) == doctest::Approx(1 / 3.0 + 1 / 6.0));
  CHECK(found(0, 3) == doctest::Approx((1 / 4.0 + 1 / 5.0 + 1 / 6.0) / 3));
}

TEST_CASE("fair StreamingLLM keeps the sinks and the recent tokens of both ranges, without a quota") {
  const kvx_test::Layer layer(1, 1, 12, 2);
  const Fair<StreamingLLM> fair{{.sinks = 2}, {2, 6}, {6, 12}};
  CHECK(kept(layer, fair, 6) == Kept{{0, 1, 4, 5, 10, 11}});
  CHECK(kept(layer, fair, 2) == Kept{{0, 1}});
  const auto found = scores(layer, fair);
  CHECK(found(0, 2) == doctest::Approx(0.1));
  CHECK(found(0, 7) == doctest::Approx(0.26));
  CHECK(found(0, 11) == doctest::Approx(0.9));
}

TEST_CASE("Fair selects the same rows if it wraps an AnyPolicy") {
  auto layer = kvx_test::Layer::random(4, 2, 24, 8, 3);
  const auto check = [&](const auto& inner) {
    const Fair<std::decay_t<decltype(inner)>> fair{inner, {3, 10}, {10, 20}};
    const Fair<AnyPolicy> any{AnyPolicy(inner), {3, 10}, {10, 20}};
    CHECK(any.needs().queries == fair.needs().queries);
    CHECK(kept(layer, any, 9) == kept(layer, fair, 9));
    CHECK(kept(layer, Fair<AnyPolicy>{any}, 9) == kept(layer, fair, 9));
  };
  check(Knorm());
  check(Tova());
  check(SnapKV{.window = 6});
  check(ObservedAttention());
  check(StreamingLLM());
}

TEST_CASE("Fair needs two adjacent spans of the context, and a press that only scores") {
  const auto error = [](TokenSpan defense, TokenSpan instructions) {
    return error_of([&] { Fair<Knorm>{{}, defense, instructions}.validate(); });
  };
  CHECK(error({1, 4}, {4, 8}) == "");
  CHECK(error({4, 8}, {1, 4}) == "");
  CHECK(error({1, 4}, {3, 8}) ==
        "fair: instructions: expected a span that touches defense, 1:4, and does not overlap it, found 3:8");
  CHECK(error({1, 4}, {5, 8}) != "");
  CHECK(error({4, 4}, {4, 8}) != "");
  CHECK(error({}, {}) == "");  // the named parts of the prompt
  CHECK(error_of([] {
          Fair<DuoAttention>{{}, {1, 4}, {4, 8}}.validate();
        }) == "fair: expected a press that only scores, found duo_attention");
  const kvx_test::Layer layer(1, 1, 6, 2);
  CHECK_THROWS_AS(kept(layer, Fair<Knorm>{{}, {4, 8}, {1, 4}}, 3), NotApplicable);
  CHECK(error_of([&] {
          kept(layer, Fair<Knorm>{{}, {1, 4}, {4, 8}}, 3);
        }) == "fair: a context of 6 tokens has no span 4:8");
}

TEST_CASE("Fair uses the named parts of the prompt if no spans are given") {
  kvx_test::Layer layer(1, 1, 10, 2);
  for (Index t = 0; t < 10; ++t) *layer.row(layer.keys, 0, t) = static_cast<float>(10 - t);
  const auto kept_with = [&](const std::vector<NamedSpan>& spans, Index keep) {
    PressInput in = layer.input();
    in.spans = spans;
    return Press<Fair<Knorm>>(Allowance::of_tokens(keep), {}).select(in);
  };
  CHECK(kept_with({{"defense", {1, 4}}, {"instructions", {4, 8}}}, 5) == Kept{{2, 3, 7, 8, 9}});
  CHECK(kept_with({{"instructions", {1, 4}}, {"defense", {4, 8}}}, 5) == Kept{{2, 3, 7, 8, 9}});
  CHECK(kept_with({{"prepend", {0, 5}}, {"instructions", {5, 9}}}, 4) == Kept{{3, 4, 8, 9}});
  CHECK(kept_with({{"prepend", {0, 2}}, {"defense", {2, 5}}, {"instructions", {6, 9}}}, 5) == Kept{{3, 4, 5, 8, 9}});
  CHECK(error_of([&] {
          kept_with({{"instructions", {1, 4}}}, 5);
        }) == "fair: a prompt without a span defense, and no spans are given");
  CHECK(error_of([&] {
          kept_with({{"defense", {1, 5}}, {"instructions", {4, 8}}}, 5);
        }) == "fair: the spans 1:5 and 4:8 overlap");
}
