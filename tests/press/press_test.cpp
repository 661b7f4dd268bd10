#include <kvx/press/press.hpp>

#include <doctest/doctest.h>

#include <kvx/press/edit_layer.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/kvzip.hpp>
#include <kvx/press/merging.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/press/protect.hpp>
#include <kvx/press/rerotate.hpp>
#include <kvx/press/snapkv.hpp>
#include <kvx/press/streaming_llm.hpp>
#include <kvx/press/think.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;

namespace {

/// A cache of another engine, with two KV heads, 20 tokens and 8 channels, before and after a press.
struct Foreign {
  kvx_test::Layer before = kvx_test::Layer::random(4, 2, 20, 8, 3), layer = before;
  std::vector<Position> positions = std::vector<Position>(40);

  Foreign() {
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<Position>(i % 20);
  }
  template <class P>
  Kept apply(const P& policy, double ratio) {
    const Press<P> press(ratio, policy);
    const PressInput in = layer.input(press.needs());  // refers to the rows that apply() changes
    return press.apply(in, TensorView<float>::head_major(layer.keys.data(), 2, 20, 8),
                       TensorView<float>::head_major(layer.values.data(), 2, 20, 8), positions);
  }

  /// Whether the cache has the same rows as kvx's own cache after the same press.
  bool equals_own_cache(const AnyPolicy& policy, double ratio, const Kept& kept) {
    const PressInput in = before.input(needs_of(policy));
    LayerCache rows(2, HeadCache(Dtype::f32, 8));
    for (Index h = 0; h < 2; ++h)
      for (Index t = 0; t < 20; ++t)
        rows[static_cast<std::size_t>(h)].append(static_cast<Position>(t), in.keys.row(h, t), in.values.row(h, t));
    if (kept != policy.select(with_queries(in, policy.needs().queries), Allowance::of_ratio(ratio))) return false;
    const LayerCache own_cache = edited(policy, with_queries(in, policy.edit_queries()), rows, kept);
    for (Index h = 0; h < 2; ++h) {
      const HeadCache& head = own_cache[static_cast<std::size_t>(h)];
      const auto count = static_cast<std::size_t>(head.rows());
      if (!std::equal(head.positions().begin(), head.positions().end(), positions.begin() + h * 20) ||
          !std::equal(head.keys<float>().data(), head.keys<float>().data() + 8 * count, layer.row(layer.keys, h, 0)) ||
          !std::equal(head.values<float>().data(), head.values<float>().data() + 8 * count,
                      layer.row(layer.values, h, 0)))
        return false;
    }
    return true;
  }
};

}  // namespace

TEST_CASE("a press has the same effect on another engine's cache as on kvx's own") {
  const auto check = [](const auto& policy) {
    Foreign foreign;
    const Kept kept = foreign.apply(policy, 0.4);
    CHECK(foreign.equals_own_cache(AnyPolicy(policy), 0.4, kept));
  };
  check(Knorm());
  check(SnapKV{.window = 4});
  check(ThinK{.ratio = 0.5, .window = 5});
  check(Rerotate<Knorm>());
  check(Rerotate<SnapKV>{{.window = 4}});
  check(Merging<Knorm>());
  for (const std::string text : {"composed(snapkv(window=3), think(window=5), ratios=[0.4, 0])", "rerotate(ada(knorm))",
                                 "finch(window=6)", "merging(chunkkv(knorm, length=3))"}) {
    CAPTURE(text);
    Foreign foreign;
    const AnyPolicy policy = kvx_presses().parse(text);
    CHECK(foreign.equals_own_cache(policy, 0.4, foreign.apply(policy, 0.4)));
  }
}

TEST_CASE("the positions that another engine passes are used for protected spans and for rotation") {
  Foreign foreign;
  for (std::size_t i = 0; i < 40; ++i) foreign.positions[i] = static_cast<Position>(100 + i % 20);
  const Kept kept = foreign.apply(Protect<Knorm>{.spans = {{"", {110, 113}}}}, 0.7);
  for (const auto& head : kept)
    for (const Index row : {10, 11, 12}) CHECK(std::binary_search(head.begin(), head.end(), row));
  CHECK(foreign.positions[0] == 100 + kept[0][0]);

  Foreign rotated;
  for (std::size_t i = 0; i < 40; ++i) rotated.positions[i] = static_cast<Position>(2 * (i % 20));
  rotated.apply(Rerotate<Knorm>(), 0);
  const std::vector<Position> shift = {-7};
  Matrix<float> key = rotated.before.input().keys.head(1).row(7);
  RopeTable(rotated.before.inv_freq, shift).rotate(0, key.data());
  CHECK(key.row(0).isApprox(rotated.layer.input().keys.head(1).row(7), 1e-5f));
}

TEST_CASE("if the input is wrong, apply() throws before it changes another engine's cache") {
  Foreign foreign;
  const auto refused = [&](const auto& press, const PressInput& in, Index tokens, std::size_t positions) {
    const auto rows = TensorView<float>::head_major(foreign.layer.keys.data(), 2, tokens, 8);
    return error_of([&] { press.apply(in, rows, rows, std::span(foreign.positions).first(positions)); });
  };
  const PressInput in = foreign.before.input();
  CHECK(refused(Press<Knorm>(0.5), in, 19, 40) ==
        "knorm: apply: expected keys and values of PressInput's shape, found another shape");
  CHECK(refused(Press<Knorm>(0.5), in, 20, 20) == "knorm: apply: positions: expected 40, found 20");
  CHECK(refused(Press<ThinK>(0.5), in, 20, 40) == "think: PressInput::queries.tokens: expected 20, found 0");
  PressInput without = in;
  without.inv_freq = {};
  CHECK(refused(Press<Rerotate<Knorm>>(0.5), without, 20, 40) == "rerotate: PressInput::inv_freq: expected 4, found 0");
  CHECK(foreign.layer.keys == foreign.before.keys);
}

TEST_CASE("select() refuses presses that rewrite rows, and Press refuses those that act while decoding") {
  const auto select = [](const std::string& text) {
    const kvx_test::Layer layer(1, 1, 10, 2);
    return error_of([&] { Press<AnyPolicy>(0.5, kvx_presses().parse(text)).select(layer.input()); });
  };
  CHECK(select("knorm").empty());
  CHECK(select("think") == "press: expected a press that does not rewrite rows, found one that does: call apply()");
  CHECK(select("composed(knorm, think)").ends_with("call apply()"));
  CHECK(select("knorm+int4") ==
        "knorm+int4: expected a press that does not act while answers are decoded, since Press has no cache");
  CHECK(select("decoding(knorm)").ends_with("since Press has no cache"));
  CHECK(select("dms(knorm, threshold=0, decoding=true)").ends_with("since Press has no cache"));
  const auto layer = kvx_test::Layer::random(1, 1, 10, 2, 1);
  PressInput in = layer.input(KVzip().needs());
  in.layers = 2;
  CHECK(error_of([&] { Press<KVzip>(0.5).select(in); }) ==
        "kvzip: expected layerwise=true or select_layers(), since all layers share a budget, found layer 0 of 2");
  CHECK(error_of([&] { Press<KVzip>(0.5, {.layerwise = true}).select(in); }).empty());
}

TEST_CASE("a press keeps the rows that its policy and its ratio determine") {
  const kvx_test::Layer ten_tokens(1, 1, 10, 2);
  const Press<StreamingLLM> press(0.5, {.sinks = 2});
  CHECK(press.select(ten_tokens.input()).at(0) == std::vector<Index>{0, 1, 7, 8, 9});
}

TEST_CASE("a press also accepts an allowance in tokens or bytes") {
  const kvx_test::Layer ten_tokens(1, 1, 10, 2);
  CHECK(Press<StreamingLLM>(Allowance::of_tokens(6)).select(ten_tokens.input()) == Kept{{0, 1, 2, 3, 8, 9}});
  CHECK(Press<StreamingLLM>(Allowance::of_bytes(6 * 20)).select(ten_tokens.input()) == Kept{{0, 1, 2, 3, 8, 9}});
}

TEST_CASE("a press has the needs of its policy") { CHECK(Press<SnapKV>(0.5, {.window = 32}).needs().queries == 32); }

TEST_CASE("the constructor of Press refuses a ratio or a parameter out of its range") {
  CHECK(error_of([] { Press<SnapKV>(1.0); }) == "ratio: expected 0 <= ratio < 1, found 1.000000");
  CHECK(error_of([] { Press<SnapKV>(0.5, {.kernel = 2}); }) == "snapkv: kernel: expected an odd number, found 2");
}

TEST_CASE("an empty input is an error with every kind of allowance") {
  for (const auto& allowance : {Allowance::of_ratio(0.5), Allowance::of_tokens(3), Allowance::of_bytes(1000)})
    CHECK(error_of([&] { Press<StreamingLLM>(allowance).select({}); }) ==
          "streaming_llm: PressInput::keys: expected at least one row, found none");
}
