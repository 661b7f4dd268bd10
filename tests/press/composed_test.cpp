#include <kvx/press/composed.hpp>

#include <doctest/doctest.h>

#include <kvx/press/duo_attention.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/leverage.hpp>
#include <kvx/press/non_causal.hpp>
#include <kvx/press/observed_attention.hpp>
#include <kvx/press/press.hpp>
#include <kvx/press/rerotate.hpp>
#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>
#include <kvx/press/think.hpp>

#include "support/error_of.hpp"
#include "support/one_hot.hpp"

using namespace kvx;
using kvx_test::point;

namespace {
Kept kept(const kvx_test::Layer& layer, const Composed& policy, const Allowance& allowance = Allowance::of_ratio(0)) {
  return select(policy, layer.input(policy.needs()), allowance);
}
/// A layer with these key norms, [kv_heads][tokens].
kvx_test::Layer with_norms(const std::vector<std::vector<float>>& norms) {
  kvx_test::Layer layer(static_cast<Index>(norms.size()), static_cast<Index>(norms.size()),
                        static_cast<Index>(norms[0].size()), 2);
  for (Index h = 0; h < layer.kv_heads; ++h)
    for (Index t = 0; t < layer.tokens; ++t)
      *layer.row(layer.keys, h, t) = norms[static_cast<std::size_t>(h)][static_cast<std::size_t>(t)];
  return layer;
}
const AnyPolicy knorm{Knorm()}, streaming{StreamingLLM{.sinks = 1}};
}  // namespace

TEST_CASE("each press of a composition gets, head by head, the rows that the one before it kept") {
  const auto layer = with_norms({{9, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 1, 1, 1, 1, 1, 9, 2, 8, 3}});
  CHECK(kept(layer, {{streaming, knorm}, {0.5, 0.4}}) == Kept{{6, 7, 8}, {0, 7, 9}});
  CHECK(kept(layer, {{knorm, streaming}, {0.5, 0.4}}) == Kept{{1, 4, 5}, {1, 4, 5}});
}

TEST_CASE("without ratios, the presses of a composition remove equal shares, and the budget's number of rows stays") {
  const auto layer = with_norms({{9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9}});
  const Composed policy{{streaming, knorm}};
  CHECK(kept(layer, policy, Allowance::of_ratio(0.75)) == Kept{{12, 13, 14, 15}});  // of the rows 0, 9, 10, ...
  CHECK(kept(layer, {{knorm, streaming}}, Allowance::of_ratio(0.75)) == Kept{{1, 6, 7, 8}});
  for (Index keep = 1; keep < 16; ++keep) {
    const auto allowance = Allowance::of_tokens(keep);
    CHECK(kept(layer, policy, allowance).front().size() == static_cast<std::size_t>(keep));
    CHECK(policy.rows(layer.input(), allowance.resolve(layer.input())) == keep);
  }
}

TEST_CASE("a part that ignores the budget does not reduce the rows of the other parts") {
  const auto layer = with_norms({{1, 2, 3, 4, 5, 6, 7, 8}});
  const AnyPolicy think{ThinK()};
  CHECK(kept(layer, {{think, knorm, think}}, Allowance::of_tokens(3)) == Kept{{0, 1, 2}});
  CHECK_FALSE(Hooks(Composed{{knorm, think}}).traits().own_budget);
  CHECK(Hooks(Composed{{knorm, think}, {0.5, 0}}).traits().own_budget);
  CHECK(Hooks(Composed{{think, think}}).traits().own_budget);
}

TEST_CASE("a composition states the number of rows that stay") {
  const kvx_test::Layer layer(2, 2, 97, 2);
  const Composed policy{{streaming, knorm}, {0.3, 0.4}};
  CHECK(policy.rows(layer.input(), {0, 97}) == 2 * 40);  // rows after each press: 97, 67, 40
  CHECK(kept(layer, policy).front().size() == 40);
}

TEST_CASE("a later part gets the last queries of the context and the attention sums of its rows") {
  auto layer = kvx_test::one_hot_layer(2, 1, 8);
  *layer.row(layer.keys, 0, 3) = 2;  // a larger norm: knorm evicts it
  for (Index i = 0; i < 2; ++i) {
    point(layer, layer.queries, i, 7, 5);
    layer.row(layer.queries, i, 7)[3] = 2e4f;  // the query attends even more to row 3, until it is evicted
  }
  const Composed snapkv{{knorm, AnyPolicy(SnapKV{.window = 1, .kernel = 1})}, {0.125, 0.7}};
  CHECK(kept(layer, snapkv) == Kept{{5, 7}});
  for (std::size_t j = 0; j < 16; ++j) layer.attention[j] = j % 8 == 3 ? 9 : j % 8 == 4 ? 6 : 0;
  CHECK(kept(layer, {{knorm, AnyPolicy(ObservedAttention())}, {0.125, 0.8}}) == Kept{{4}});
}

TEST_CASE("a later part gets the queries and unrotated keys of its rows") {
  auto whole = kvx_test::Layer::random(2, 1, 12, 4, 9);
  for (Index t = 6; t < 12; ++t)  // knorm evicts these rows
    for (Index d = 0; d < 4; ++d) whole.row(whole.keys, 0, t)[d] = 100;
  kvx_test::Layer half(2, 1, 6, 4);
  const auto copy = [&](auto tensor, Index heads) {
    for (Index h = 0; h < heads; ++h) std::copy_n(whole.row(whole.*tensor, h, 0), 6 * 4, half.row(half.*tensor, h, 0));
  };
  copy(&kvx_test::Layer::keys, 1);
  copy(&kvx_test::Layer::values, 1);
  copy(&kvx_test::Layer::pre_rope_keys, 1);
  copy(&kvx_test::Layer::queries, 2);
  for (const AnyPolicy& second : {AnyPolicy(NonCausalAttention{.chunk = 3}), AnyPolicy(LeverageScore())})
    CHECK(kept(whole, {{knorm, second}, {0.5, 0.5}}) ==
          second.select(half.input(second.needs()), Allowance::of_ratio(0.5)));
}

TEST_CASE("the presses of a composition rewrite rows in order") {
  const auto layer = kvx_test::Layer::random(1, 1, 8, 4, 2);
  const Rerotate<Knorm> rerotate;
  const ThinK think{.ratio = 0.5, .window = 2};
  const Composed policy{{AnyPolicy(rerotate), AnyPolicy(think)}};
  CHECK(policy.edit_queries() == 2);
  CHECK(Hooks(policy).traits().edits);
  CHECK(Hooks(policy).traits().dense_positions);
  CHECK_FALSE(Hooks(Composed{{knorm, streaming}}).traits().edits);
  const std::vector<Index> rows = {1, 4, 6};
  Matrix<float> keys = layer.input().keys.head(0).topRows(3), values = keys, expected = keys;
  std::vector<Position> positions = {1, 4, 6}, expected_positions = positions;
  const PressInput in = layer.input({.queries = 2});
  rerotate.edit(in, 0, rows, {view(expected), view(values), expected_positions});
  think.edit(in, 0, rows, {view(expected), view(values), expected_positions});
  policy.edit(in, 0, rows, {view(keys), view(values), positions});
  CHECK(keys == expected);
  CHECK(positions == std::vector<Position>{0, 1, 2});
}

TEST_CASE("a composition refuses presses whose heads keep different numbers of rows, and wrong ratios") {
  CHECK(error_of([] {
          Composed{{knorm, AnyPolicy(DuoAttention())}}.validate();
        }) == "composed: expected presses that keep the same number of rows in each head, found duo_attention");
  CHECK(error_of([] {
          Composed{{knorm, knorm}, {0.5}}.validate();
        }) == "composed: ratios: expected 2, one for each press, found 1");
  CHECK(error_of([] {
          Composed{{knorm, knorm}, {0.5, 1}}.validate();
        }) == "composed: ratios: expected 0 <= ratio < 1, found 1.000000");
  CHECK(error_of([] { Composed{{knorm, knorm}, {0.5, 0}}.validate(); }) == "");
}
