// Properties that all presses have.
#include "support/layer.hpp"
#include "support/presses.hpp"

#include <doctest/doctest.h>
#include <kvx/core/error.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::Layer;

/// The layer with its heads permuted: KV head h, with its query heads, is KV head order[h] of `layer`.
Layer permuted(const Layer& layer, const std::vector<Index>& order) {
  Layer out = layer;
  const auto move = [&](const std::vector<float>& source, std::vector<float>& permuted_tensor,
                        std::size_t per_kv_head) {
    for (std::size_t h = 0; h < order.size(); ++h)
      std::copy_n(source.begin() + order[h] * static_cast<Index>(per_kv_head), per_kv_head,
                  permuted_tensor.begin() + static_cast<Index>(h * per_kv_head));
  };
  const auto heads = static_cast<std::size_t>(layer.kv_heads);
  move(layer.keys, out.keys, layer.keys.size() / heads);
  move(layer.values, out.values, layer.values.size() / heads);
  move(layer.queries, out.queries, layer.queries.size() / heads);
  move(layer.pre_rope_queries, out.pre_rope_queries, layer.pre_rope_queries.size() / heads);
  move(layer.pre_rope_keys, out.pre_rope_keys, layer.pre_rope_keys.size() / heads);
  move(layer.attention, out.attention, layer.attention.size() / heads);
  move(layer.repeated, out.repeated, layer.repeated.size() / heads);
  const Index columns = layer.output.cols() / layer.kv_heads;
  for (std::size_t h = 0; h < order.size(); ++h)
    out.output.middleCols(static_cast<Index>(h) * columns, columns) =
        layer.output.middleCols(order[h] * columns, columns);
  return out;
}

TEST_CASE("every press keeps the number of rows that it states, in ascending order") {
  for (const Index tokens : {70, 100, 257}) {
    const Layer layer = Layer::random(6, 3, tokens, 8, 1);
    for (const AnyPolicy& policy : kvx_test::every_press(1, 3, 8))
      for (const double ratio : {0.0, 0.001, 0.1, 0.3, 0.5, 0.75, 0.9, 0.99, 0.9999}) {
        CAPTURE(policy.written());
        CAPTURE(tokens);
        CAPTURE(ratio);
        const PressInput in = layer.input(policy.needs());
        const Budget budget = Allowance::of_ratio(ratio).resolve(in);
        Kept kept;
        try {
          kept = policy.select(in, Allowance::of_ratio(ratio));
        } catch (const NotApplicable&) {
          continue;  // more protected rows than may stay
        }
        REQUIRE(kept.size() == 3);
        Index rows = 0;
        for (const auto& head : kept) {
          rows += static_cast<Index>(head.size());
          CHECK(std::adjacent_find(head.begin(), head.end(), std::greater_equal<>()) == head.end());
          CHECK((head.empty() || (head.front() >= 0 && head.back() < tokens)));
        }
        // A shorter last chunk may be among the chunks that stay.
        if (policy.traits().own_budget || policy.policy_name() == "chunkkv")
          CHECK(rows <= policy.rows(in, budget));
        else
          CHECK(rows == (ratio == 0 ? 3 * tokens : std::min(3 * tokens, policy.rows(in, budget))));
      }
  }
}

TEST_CASE("if heads are permuted, every press keeps the permuted rows") {
  const std::vector<Index> order = {2, 0, 1};
  const Layer layer = Layer::random(6, 3, 120, 16, 2), other = permuted(layer, order);
  for (const AnyPolicy& policy : kvx_test::every_press(1, 3, 16)) {
    // Random numbers are drawn per head index; filters and head scores are read per head index.
    const std::string name(policy.policy_name());
    if (name == "random" || name == "leverage" || name == "compactor" || name == "qfilter" || name == "duo_attention")
      continue;
    CAPTURE(policy.written());
    const auto allowance = Allowance::of_ratio(0.6);
    const Kept kept = policy.select(layer.input(policy.needs()), allowance);
    const Kept moved = policy.select(other.input(policy.needs()), allowance);
    for (std::size_t h = 0; h < order.size(); ++h) CHECK(moved[h] == kept[static_cast<std::size_t>(order[h])]);
  }
}

TEST_CASE("no press changes its input, and each selects the same rows when it is called again") {
  const Layer layer = Layer::random(4, 2, 100, 16, 3), copy = layer;
  for (const AnyPolicy& policy : kvx_test::every_press(1, 2, 16)) {
    CAPTURE(policy.written());
    const auto allowance = Allowance::of_ratio(0.5);
    const Kept kept = policy.select(layer.input(policy.needs()), allowance);
    CHECK(kept == policy.select(layer.input(policy.needs()), allowance));
    CHECK(layer.keys == copy.keys);
    CHECK(layer.values == copy.values);
  }
}

TEST_CASE("every press refuses an input that lacks something") {
  const Layer layer = Layer::random(4, 2, 100, 16, 4);
  for (const AnyPolicy& policy : kvx_test::every_press(1, 2, 16)) {
    CAPTURE(policy.written());
    const Needs needs = policy.needs();
    if (needs.queries == 0 && !needs.pre_rope_queries && !needs.pre_rope_keys && !needs.attention && !needs.repetition)
      continue;
    CHECK_THROWS_AS(policy.select(layer.input(), Allowance::of_ratio(0.5)), Error);
  }
}

}  // namespace
