#include <kvx/press/select.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/error_of.hpp"
#include "support/layer.hpp"

using namespace kvx;
using kvx_test::Layer;

namespace {
/// Scores a row by the first channel of its value.
struct ByValue {
  static constexpr std::string_view name = "by_value";
  Needs wanted;
  Needs needs() const { return wanted; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    for (Index h = 0; h < in.kv_heads(); ++h) out.row(h) = in.values.head(h).col(0).transpose();
  }
};

struct NeverScores : ByValue {
  void score(const PressInput&, const Budget&, Scores) const { FAIL("scored"); }
};

struct TwoMore : ByValue {
  Index rows(const PressInput& in, const Budget& budget) const { return in.kv_heads() * (budget.keep + 2); }
};

std::string refused(const Needs& needs, const PressInput& in) {
  return error_of([&] { check("press", needs, in); });
}
}  // namespace

TEST_CASE("each head keeps its rows with the highest scores and, if scores are equal, the newer row") {
  Layer layer(2, 2, 5, 1);
  layer.values = {5, 1, 4, 2, 3, /* head 1 */ 7, 7, 7, 8, 7};
  CHECK(select(ByValue(), layer.input(), Allowance::of_tokens(3)) == Kept{{0, 2, 4}, {2, 3, 4}});
}

TEST_CASE("a policy may state another number of rows") {
  Layer layer(1, 1, 5, 1);
  layer.values = {5, 1, 4, 2, 3};
  CHECK(select(TwoMore(), layer.input(), Allowance::of_tokens(1)) == Kept{{0, 2, 4}});
  CHECK(Hooks(TwoMore()).rows(layer.input(), {0.8, 1}) == 3);
  CHECK(Hooks(ByValue()).rows(layer.input(), {0.8, 1}) == 1);
}

TEST_CASE("nothing is scored if all rows stay") {
  const Layer layer(2, 2, 3, 1);
  CHECK(select(NeverScores(), layer.input(), Allowance::of_ratio(0)) == Kept{{0, 1, 2}, {0, 1, 2}});
  CHECK(select(NeverScores(), layer.input(), Allowance::of_tokens(9)) == keep_all(2, 3));
}

TEST_CASE("check() accepts an input with all that is needed; other fields may be empty") {
  const Layer layer = Layer::random(4, 2, 5, 6, 1);
  for (const Needs& needs :
       {Needs{}, Needs{.queries = 3}, Needs{.queries = 64}, Needs{.pre_rope_queries = true}, Needs{.attention = true},
        Needs{.queries = 2, .pre_rope_queries = true, .attention = true}})
    CHECK(refused(needs, layer.input(needs)) == "");
}

TEST_CASE("check() names the field that is missing or has a wrong shape") {
  const Layer layer = Layer::random(4, 2, 5, 6, 1), other = Layer::random(3, 1, 4, 8, 1);
  const Needs queries{.queries = 3}, pre_rope{.pre_rope_queries = true}, attention{.attention = true};
  const Needs all{.queries = 3, .pre_rope_queries = true, .attention = true};
  const auto with = [&](auto&& change) {
    PressInput in = layer.input(all);
    change(in, other.input(all));
    return in;
  };
  CHECK(refused({}, {}) == "press: PressInput::keys: expected at least one row, found none");
  CHECK(refused({}, with([](auto& in, const auto&) { in.keys = in.keys.tokens(0, 0); })) ==
        "press: PressInput::keys: expected at least one row, found none");
  CHECK(refused({}, with([](auto& in, const auto&) { in.values = {}; })) ==
        "press: PressInput::values.heads: expected 2, found 0");
  CHECK(refused({}, with([](auto& in, const auto&) { in.values = in.values.tokens(0, 4); })) ==
        "press: PressInput::values.tokens: expected 5, found 4");

  CHECK(refused(queries, layer.input()) == "press: PressInput::queries.tokens: expected 3, found 0");
  CHECK(refused(queries, with([](auto& in, const auto& from) { in.queries = from.queries; })) ==
        "press: PressInput::queries.head_dim: expected 6, found 8");
  CHECK(refused(queries, with([](auto& in, const auto&) {
                  in.queries = TensorView<const float>::head_major(in.queries.row(0, 0), 3, 3, 6);
                })) == "press: PressInput::queries: expected a multiple of 2 heads, found 3");

  CHECK(refused(pre_rope, layer.input()) == "press: PressInput::pre_rope_queries.tokens: expected 5, found 0");
  CHECK(refused(pre_rope, with([](auto& in, const auto&) { in.inv_freq = {}; })) ==
        "press: PressInput::inv_freq: expected 3, found 0");

  CHECK(refused(attention, layer.input()) == "press: PressInput::attention: expected heads x 5 sums, found 0");
  CHECK(refused(attention, with([](auto& in, const auto&) { in.attention = in.attention.first(5); })) ==
        "press: PressInput::attention: expected heads x 5 sums, found 5");
}

TEST_CASE("check() refuses keys without heads or channels, and a model without layers") {
  const Layer layer(1, 1, 2, 2);
  PressInput in = layer.input();
  in.keys = in.values = TensorView<const float>(in.keys.row(0, 0), 0, 2, 2, 0, 2);
  CHECK(refused({}, in) == "press: PressInput::keys: expected at least one row, found none");
  in.keys = in.values = TensorView<const float>(layer.keys.data(), 1, 2, 0, 0, 0);
  CHECK(refused({}, in) == "press: PressInput::keys: expected at least one row, found none");
  in = layer.input();
  in.layers = 0;
  CHECK(refused({}, in) == "press: PressInput::layers: expected more than layer 0, found 0");
}
