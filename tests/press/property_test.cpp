// What holds for every press, whatever it scores.
#include "support/layer.hpp"

#include <doctest/doctest.h>
#include <kvx/press/allowance.hpp>
#include <kvx/press/registry.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::Layer;

/// The layer with KV head order[h], and its query heads, in place h.
Layer permuted(const Layer& layer, const std::vector<Index>& order) {
  Layer out = layer;
  const auto move = [&](const std::vector<float>& from, std::vector<float>& to, std::size_t per_kv_head) {
    for (std::size_t h = 0; h < order.size(); ++h)
      std::copy_n(from.begin() + order[h] * static_cast<Index>(per_kv_head), per_kv_head,
                  to.begin() + static_cast<Index>(h * per_kv_head));
  };
  const auto heads = static_cast<std::size_t>(layer.kv_heads);
  move(layer.keys, out.keys, layer.keys.size() / heads);
  move(layer.values, out.values, layer.values.size() / heads);
  move(layer.queries, out.queries, layer.queries.size() / heads);
  move(layer.pre_rope_queries, out.pre_rope_queries, layer.pre_rope_queries.size() / heads);
  move(layer.attention, out.attention, layer.attention.size() / heads);
  return out;
}

TEST_CASE("every press keeps, in ascending order, the number of rows that it states") {
  const Registry registry;
  for (const Index tokens : {70, 100, 257}) {
    const Layer layer = Layer::random(6, 3, tokens, 8, 1);
    for (const auto& entry : registry.entries())
      for (const double ratio : {0.0, 0.001, 0.1, 0.3, 0.5, 0.75, 0.9, 0.99, 0.9999}) {
        CAPTURE(entry.name);
        CAPTURE(tokens);
        CAPTURE(ratio);
        const AnyPolicy policy = registry.parse(entry.name);
        const PressInput in = layer.input(policy.needs());
        const Budget budget = Allowance::of_ratio(ratio).resolve(in);
        const Kept kept = policy.select(in, Allowance::of_ratio(ratio));
        REQUIRE(kept.size() == 3);
        for (const auto& rows : kept) {
          CHECK(static_cast<Index>(rows.size()) == policy.rows(budget, tokens));
          CHECK(std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) == rows.end());
          CHECK((rows.empty() || (rows.front() >= 0 && rows.back() < tokens)));
        }
      }
  }
}

TEST_CASE("permuting heads permutes what every press keeps") {
  const Registry registry;
  const std::vector<Index> order = {2, 0, 1};
  const Layer layer = Layer::random(6, 3, 120, 16, 2), other = permuted(layer, order);
  for (const auto& entry : registry.entries()) {
    if (entry.name == "random") continue;  // the lots are drawn per head index
    CAPTURE(entry.name);
    const AnyPolicy policy = registry.parse(entry.name);
    const auto allowance = Allowance::of_ratio(0.6);
    const Kept kept = policy.select(layer.input(policy.needs()), allowance);
    const Kept moved = policy.select(other.input(policy.needs()), allowance);
    for (std::size_t h = 0; h < order.size(); ++h) CHECK(moved[h] == kept[static_cast<std::size_t>(order[h])]);
  }
}

TEST_CASE("no press writes to what it is handed, and each repeats itself") {
  const Registry registry;
  const Layer layer = Layer::random(4, 2, 100, 16, 3), copy = layer;
  for (const auto& entry : registry.entries()) {
    CAPTURE(entry.name);
    const AnyPolicy policy = registry.parse(entry.name);
    const auto allowance = Allowance::of_ratio(0.5);
    const Kept kept = policy.select(layer.input(policy.needs()), allowance);
    CHECK(kept == policy.select(layer.input(policy.needs()), allowance));
    CHECK(layer.keys == copy.keys);
    CHECK(layer.values == copy.values);
  }
}

TEST_CASE("a press tells what its input lacks") {
  const Registry registry;
  const Layer layer = Layer::random(4, 2, 100, 16, 4);
  for (const auto& entry : registry.entries()) {
    CAPTURE(entry.name);
    const AnyPolicy policy = registry.parse(entry.name);
    const Needs needs = policy.needs();
    if (needs.queries == 0 && !needs.pre_rope_queries && !needs.attention) continue;
    CHECK_THROWS_AS(policy.select(layer.input(), Allowance::of_ratio(0.5)), Error);
  }
}

}  // namespace
