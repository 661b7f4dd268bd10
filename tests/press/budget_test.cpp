// Properties of budgets in rows and in bytes that all presses have.
#include "support/error_of.hpp"
#include "support/layer.hpp"
#include "support/presses.hpp"
#include "support/reference.hpp"

#include <doctest/doctest.h>
#include <kvx/core/error.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::Layer;

constexpr Index kLayers = 5;

/// The layer as layer `l` of a model with kLayers layers.
PressInput input(const Layer& layer, const AnyPolicy& policy, Index l) {
  PressInput in = layer.input(policy.needs());
  in.layer = l;
  in.layers = kLayers;
  in.dtype = Dtype::bf16;
  return in;
}
std::vector<Kept> select(const AnyPolicy& policy, const Layer& layer, const Allowance& allowance) {
  if (policy.needs().repetition) {  // layers may share a budget
    const PressInput first = input(layer, policy, 0);
    const Budget budget = budget_of(policy, allowance, first);
    std::vector<Matrix<float>> scores(kLayers, Matrix<float>(first.kv_heads(), first.tokens()));
    for (Index l = 0; l < kLayers; ++l) {
      Matrix<float>& out = scores[static_cast<std::size_t>(l)];
      policy.score(input(layer, policy, l), budget, Scores(out.data(), out.rows(), out.cols(), {out.cols()}));
    }
    return select_layers_within(policy, allowance, budget, first.tokens(),
                                {first.layers, first.kv_heads(), first.head_dim(), first.dtype},
                                [&](const Budget& layer_budget) { return policy.select_layers(layer_budget, scores); });
  }
  std::vector<Kept> kept;
  for (Index l = 0; l < kLayers; ++l) kept.push_back(policy.select(input(layer, policy, l), allowance));
  return kept;
}
Index rows_in(const std::vector<Kept>& layers) {
  Index rows = 0;
  for (const Kept& kept : layers)
    for (const auto& head : kept) rows += static_cast<Index>(head.size());
  return rows;
}

TEST_CASE("every press keeps exactly the given number of rows, summed over all layers and heads") {
  kvx_test::Tally tally{"budgets in rows", 0, 0, 0, "more protected rows than may stay"};
  for (const Index tokens : {71, 150, 257}) {
    const Layer layer = Layer::random(6, 3, tokens, 8, 1);
    for (const AnyPolicy& policy : kvx_test::every_press(kLayers, 3, 8)) {
      const Traits traits = policy.traits();
      if (traits.own_budget || traits.by_ratio) continue;
      for (const Index keep : {1, 2, 7, 8, 19, 34, 61, 70, 113, 149, 256, 1000}) {
        CAPTURE(policy.written());
        CAPTURE(tokens);
        CAPTURE(keep);
        try {
          const auto kept = select(policy, layer, Allowance::of_tokens(keep));
          CHECK(tally.count(rows_in(kept) == kLayers * 3 * std::min(keep, tokens)));
          for (const Kept& heads : kept)
            for (const auto& head : heads)
              CHECK(std::adjacent_find(head.begin(), head.end(), std::greater_equal<>()) == head.end());
        } catch (const NotApplicable&) {
          ++tally.not_applicable;
        }
      }
    }
  }
}

TEST_CASE("every press keeps as many rows as fit into the given bytes in its own format") {
  kvx_test::Tally tally{"rows of budgets in bytes", 0, 0, 0, "more protected rows than may stay"};
  constexpr Index kTokens = 129;
  const Layer layer = Layer::random(6, 3, kTokens, 8, 1);
  const CacheShape shape{kLayers, 3, 8, Dtype::bf16};
  const std::size_t row = kLayers * 3 * shape.row_bytes();
  const auto read = kvx_test::made_up_files(kLayers, 3, 8);
  for (const AnyPolicy& press : kvx_test::every_press(kLayers, 3, 8))
    for (const std::string format :
         {"", "+int4(group=16, residual=32)", "+int8(group=16, residual=7, keys=per_token)"}) {
      if ((press.quantization() || press.sliding_threshold()) && !format.empty()) continue;
      const AnyPolicy policy = kvx_presses().parse(press.written() + format, {1, read});
      const Traits traits = policy.traits();
      if (traits.own_budget || traits.by_ratio) continue;
      const auto bytes_of = [&](const std::vector<Kept>& layers) {
        std::size_t sum = 0;
        for (const Kept& kept : layers) sum += stored_bytes(policy.quantization(), shape, kept);
        return sum;
      };
      for (const std::size_t most : {row, 20 * row - 1, 77 * row + 3, 1000 * row}) {
        CAPTURE(policy.written());
        CAPTURE(most);
        try {
          const auto kept = select(policy, layer, Allowance::of_bytes(most));
          CHECK(tally.count(bytes_of(kept) <= most));
          if (traits.ragged && policy.quantization()) {
            const bool all = rows_in(kept) == kLayers * 3 * kTokens;
            CHECK(tally.count(all ||
                              bytes_of(kept) + kvx_test::bytes_of_a_row(policy.quantization(), shape, kTokens) > most));
            continue;
          }
          const Index keep = budget_of(policy, Allowance::of_bytes(most), kTokens, shape).keep;
          CHECK(rows_in(kept) == kLayers * 3 * keep);
          for (Index more = keep + 1; more <= std::min(kTokens, keep + 40); more += 3)
            CHECK(tally.count(bytes_of(select(policy, layer, Allowance::of_tokens(more))) > most));
        } catch (const NotApplicable&) {
          ++tally.not_applicable;
        }
      }
    }
}

TEST_CASE("if heads keep different numbers of quantized rows, the largest budget that fits into the bytes is used") {
  kvx_test::Tally tally{"largest budgets in bytes"};
  constexpr Index kTokens = 90;
  const Layer layer = Layer::random(6, 3, kTokens, 8, 1);
  const CacheShape shape{kLayers, 3, 8, Dtype::bf16};
  const std::size_t row = kLayers * 3 * shape.row_bytes();
  for (const std::string press :
       {"ada(knorm)", "ada(knorm, alpha=0)", "ada(snapkv(window=16))", "critical_ada(knorm)", "ada(compactor)",
        "ada(critical(knorm))", "ada(protect(knorm, first=9))", "kvzip", "kvzip(layerwise=true)"})
    for (const std::string format : {"+int2(group=16, residual=32)", "+int4(group=16, residual=16)",
                                     "+int8(group=16, residual=7, keys=per_token)"}) {
      const AnyPolicy policy = kvx_presses().parse(press + format);
      const bool shared = press.starts_with("kvzip");  // all layers share the bytes
      std::vector<std::vector<Kept>> by_keep = {{}};
      for (Index keep = 1; keep <= kTokens; ++keep) {
        const bool applicable = press != "ada(protect(knorm, first=9))" || keep >= 9;
        by_keep.push_back(applicable ? select(policy, layer, Allowance::of_tokens(keep)) : std::vector<Kept>());
      }
      const auto bytes_of = [&](Index keep, std::size_t l) {
        const auto& kept = by_keep[static_cast<std::size_t>(keep)];
        std::size_t sum = 0;
        for (std::size_t layer_index = 0; layer_index < kept.size(); ++layer_index)
          if (shared || layer_index == l) sum += stored_bytes(policy.quantization(), shape, kept[layer_index]);
        return sum;
      };
      for (std::size_t most = 16 * row; most < 80 * row; most += 2 * row + 13) {
        CAPTURE(policy.written());
        CAPTURE(most);
        const auto kept = select(policy, layer, Allowance::of_bytes(most));
        for (std::size_t l = 0; l < kept.size(); ++l) {
          const std::size_t part = shared ? most : most * (l + 1) / kLayers - most * l / kLayers;
          Index keep = kTokens;
          while (bytes_of(keep, l) > part) --keep;
          CHECK(tally.count(kept[l] == by_keep[static_cast<std::size_t>(keep)][l]));
        }
      }
    }
}

TEST_CASE("the largest budget that fits is found with about as many selections as by bisection") {
  constexpr Index kTokens = 4000, kHeads = 8;
  const AnyPolicy policy = kvx_presses().parse("int2");
  const CacheShape shape{1, kHeads, 128, Dtype::bf16};
  std::vector<std::size_t> bytes;
  for (Index rows = 0; rows <= kTokens; ++rows) bytes.push_back(stored_bytes(policy.quantization(), shape, rows));
  const auto rows_at = [](Index keep) {  // every second head gives rows to the head before it
    std::vector<Index> rows(kHeads, keep);
    for (std::size_t h = 0; h + 1 < kHeads; h += 2) {
      const Index more = std::min(kTokens - keep, keep / (static_cast<Index>(h) + 2));
      rows[h] += more, rows[h + 1] -= more;
    }
    return rows;
  };
  const auto fits = [&](Index keep, std::size_t most) {
    for (const Index rows : rows_at(keep)) most -= std::min(most, bytes[static_cast<std::size_t>(rows)]);
    return most > 0;
  };
  int calls = 0, searches = 0;
  for (std::size_t most = kHeads * bytes[40]; most < kHeads * bytes[kTokens]; most += kHeads * bytes[100], ++searches) {
    CAPTURE(most);
    const Index found = detail::largest_fitting(bytes, most, true, [&](Index keep) { return ++calls, rows_at(keep); });
    Index keep = kTokens;
    while (!fits(keep, most + 1)) --keep;
    CHECK(found == keep);
  }
  CHECK(calls < 25 * searches);
}

TEST_CASE("bytes that are not enough for one row are refused, unless the press ignores the budget") {
  const Registry presses = kvx_presses();
  const CacheShape shape{2, 3, 8, Dtype::f32};
  CHECK(error_of([&] { budget_of(presses.parse("knorm+int4"), Allowance::of_bytes(407), 100, shape); }) ==
        "kv-bytes: expected at least 408 for one row per layer and head, found 407");
  CHECK(budget_of(presses.parse("knorm+int4"), Allowance::of_bytes(408), 100, shape).keep == 1);
  CHECK(budget_of(presses.parse("int4"), Allowance::of_bytes(1), 100, shape).keep == 100);
}

TEST_CASE("the parts of a context share an exact budget, and their shares add up to it") {
  for (const Index keep : {0, 1, 7, 33, 100}) {
    Index sum = 0;
    for (Index first = 0; first < 100; first += 9) {
      const Index count = std::min<Index>(9, 100 - first),
                  share = kept_of_part(exact_budget(keep, 100), first, count, 100);
      CHECK(share <= count);
      sum += share;
    }
    CHECK(sum == keep);
  }
  CHECK(kept_of_part({0.5, 50}, 0, 9, 100) == 4);  // for a ratio, each part is rounded down, as in kvpress
}

TEST_CASE("chunkkv keeps whole chunks and the best rows of one more if the budget is a number of rows") {
  const Layer layer = Layer::random(2, 2, 50, 8, 3);
  const AnyPolicy policy = kvx_presses().parse("chunkkv(knorm, length=10)");
  const auto rows = [&](Index keep) { return policy.select(layer.input(), Allowance::of_tokens(keep)).front(); };
  const auto chunks_of = [](const std::vector<Index>& kept) {
    std::vector<Index> sizes(5);
    for (const Index j : kept) ++sizes[static_cast<std::size_t>(j / 10)];
    return sizes;
  };
  const auto twenty = rows(20), more = rows(23);
  CHECK(std::ranges::count(chunks_of(twenty), 10) == 2);
  CHECK(std::ranges::count(chunks_of(more), 10) == 2);
  CHECK(std::ranges::count(chunks_of(more), 3) == 1);
  CHECK(std::ranges::includes(more, twenty));
  CHECK(std::ranges::includes(rows(30), more));
}

}  // namespace
