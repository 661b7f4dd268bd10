#include <kvx/eval/run/scored_context.hpp>

#include <doctest/doctest.h>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "support/presses.hpp"
#include "support/tiny_random.hpp"

using namespace kvx;

namespace {

struct TinyRandom {
  Threads threads{2};
  Decoder model = Decoder::load(kvx_test::kTinyRandom, WeightFormat::f32, threads);
};

/// Whether two caches hold the same rows, to the bit.
bool same(const KvCache& a, const KvCache& b) {
  for (Index l = 0; l < a.layers(); ++l)
    for (std::size_t h = 0; h < a.layer(l).size(); ++h) {
      const HeadCache &one = a.layer(l)[h], &other = b.layer(l)[h];
      if (one.dtype() != other.dtype() || !std::ranges::equal(one.positions(), other.positions())) return false;
      const auto floats = [](const HeadCache& head) {
        Matrix<float> rows(2 * head.rows(), head.head_dim());
        head.copy_to(rows.data(), rows.data() + rows.size() / 2);
        return rows;
      };
      if (floats(one) != floats(other)) return false;
    }
  return a.layers() == b.layers();
}

/// Gives all rows the same score, and counts its calls.
template <bool kByBudget>
struct Counting {
  static constexpr std::string_view name = kByBudget ? "counting_by_budget" : "counting", paper = "";
  static inline int scored = 0;
  static constexpr auto parameters() { return std::tuple(); }
  Traits traits() const { return {.scores_by_budget = kByBudget}; }
  Needs needs() const { return {}; }
  void score(const PressInput&, const Budget&, Scores out) const {
    ++scored;
    out.setZero();
  }
};

/// Reports in the middle of the model that it cannot serve the context.
struct LateRefusal {
  static constexpr std::string_view name = "late_refusal", paper = "";
  static constexpr auto parameters() { return std::tuple(); }
  Needs needs() const { return {}; }
  void score(const PressInput& in, const Budget&, Scores out) const {
    if (in.layer == 2) throw NotApplicable("late_refusal", "not this layer");
    out.setZero();
  }
};

}  // namespace

TEST_CASE("Every cell of a grid gets the cache that its press gives the context outside a grid") {
  TinyRandom tiny;
  const Registry registry = kvx_presses();
  const auto tokens = kvx_test::random_tokens(80, 1);
  const CacheShape all = tiny.model.cache_shape(Dtype::f32);
  auto presses = kvx_test::every_press(all.layers, all.kv_heads, all.head_dim);
  for (const char* press : {"snapkv(window=16)", "random(seed=7)", "streaming_llm(sinks=2)"})
    presses.push_back(registry.parse(press));
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const CacheShape shape = tiny.model.cache_shape(dtype);
    const std::size_t row = static_cast<std::size_t>(shape.layers * shape.kv_heads) * shape.row_bytes();
    std::vector<Cell> cells;
    for (const auto& press : presses) {
      std::vector<Allowance> allowances = {Allowance::of_ratio(0.4), Allowance::of_tokens(7)};
      if (dtype == Dtype::f32)
        allowances = {Allowance::of_ratio(0.9), Allowance::of_ratio(0), Allowance::of_ratio(0.25),
                      Allowance::of_tokens(1000), Allowance::of_bytes(24 * row - 1)};
      if (press.traits().by_ratio) allowances = {Allowance::of_ratio(dtype == Dtype::f32 ? 0.9 : 0.4)};
      for (const auto& allowance : allowances) cells.push_back({press, allowance});
    }
    std::vector<Index> layers;
    const ScoredContext scored(tiny.model, tokens, cells, dtype, tiny.threads,
                               [&](Index done) { layers.push_back(done); });
    CHECK(layers == std::vector<Index>{1, 2, 3, 4});
    CHECK(scored.tokens() == 80);
    const auto base = compress(tiny.model, tokens, registry.parse("none"), Allowance::of_ratio(0), dtype, tiny.threads);
    CHECK(same(scored.full(), *base.start.prefix));
    CHECK(scored.full().bytes() == base.full_bytes);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      CAPTURE(cells[c].policy.written());
      CAPTURE(c);
      const auto compressed = [&] {
        return compress(tiny.model, tokens, cells[c].policy, cells[c].allowance, dtype, tiny.threads).start;
      };
      if (!scored.reason(c).empty()) {
        CHECK_THROWS_AS(compressed(), NotApplicable);
        continue;
      }
      const auto start = scored.start(c), expected = compressed();
      CHECK(same(*start.prefix, *expected.prefix));
      CHECK(same(start.tail, expected.tail));
      CHECK(start.next_position == expected.next_position);
      CHECK(scored.bytes(c) == start.bytes());
    }
  }
}

TEST_CASE("A press that cannot serve the context says why and does not affect other cells") {
  TinyRandom tiny;
  const Registry registry = kvx_presses();
  const auto tokens = kvx_test::random_tokens(40, 2);
  const AnyPolicy snapkv = registry.parse("snapkv"), late{LateRefusal()};
  const std::string reason = "snapkv: a context of 40 tokens is not longer than its window of 64";
  const std::vector<Cell> refused = {
      {snapkv, Allowance::of_ratio(0.5)}, {snapkv, Allowance::of_tokens(3)}, {late, Allowance::of_ratio(0.5)}};
  const std::vector<Cell> served = {{registry.parse("snapkv(window=8)"), Allowance::of_ratio(0.5)},
                                    {snapkv, Allowance::of_ratio(0)},
                                    {late, Allowance::of_ratio(0)},
                                    {registry.parse("knorm"), Allowance::of_ratio(0.5)}};
  std::vector<Cell> cells = refused;
  cells.insert(cells.begin() + 1, served.begin(), served.end());
  const ScoredContext scored(tiny.model, tokens, cells, Dtype::f32, tiny.threads);
  CHECK(scored.reason(0) == reason);
  CHECK(scored.reason(5) == reason);
  CHECK(scored.reason(6) == "late_refusal: not this layer");
  for (const std::size_t c : {0u, 5u, 6u}) CHECK(scored.bytes(c) == 0);
  for (std::size_t c = 1; c < 5; ++c) {
    CAPTURE(c);
    CHECK(scored.reason(c) == "");
    const auto compressed = compress(tiny.model, tokens, cells[c].policy, cells[c].allowance, Dtype::f32, tiny.threads);
    CHECK(same(*scored.start(c).prefix, *compressed.start.prefix));
  }
}

TEST_CASE("A growing sequence takes no more memory than was planned for it") {
  TinyRandom tiny;
  const Registry registry = kvx_presses();
  std::vector<Cell> cells;
  for (const char* press :
       {"none", "decoding(knorm)", "decoding(snapkv(window=24), interval=30, target=60)",
        "dms(knorm, threshold=-3.9, window=16, decoding=true)", "int4(group=16, residual=16)",
        "int8(group=16, residual=7, keys=per_token)", "decoding(knorm)+int2(group=16, residual=32)"})
    cells.push_back({registry.parse(press), Allowance::of_ratio(0)});
  for (const std::size_t tokens : {33u, 64u, 70u}) {
    const ScoredContext scored(tiny.model, kvx_test::random_tokens(tokens, 1), cells, Dtype::bf16, tiny.threads);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      SequenceCache sequence = scored.start(c);
      const std::size_t shared = sequence.prefix->bytes();
      for (Index rows = 1; rows <= 70; ++rows) {
        CAPTURE(cells[c].policy.written());
        CAPTURE(rows);
        const Token token = 5;
        const Step step{&sequence, {&token, 1}};
        forward(tiny.model, {&step, 1}, tiny.threads);
        CHECK(sequence.bytes() - shared <= scored.own_bytes(c) + scored.growth_bytes(c, rows));
      }
    }
  }
}

TEST_CASE("A layer is scored once for all cells of a policy unless the scores depend on the budget") {
  TinyRandom tiny;
  std::vector<Cell> cells;
  for (const double ratio : {0.25, 0.0, 0.5, 0.75})
    for (const auto& policy : {AnyPolicy(Counting<false>()), AnyPolicy(Counting<true>())})
      cells.push_back({policy, Allowance::of_ratio(ratio)});
  const ScoredContext scored(tiny.model, kvx_test::random_tokens(20, 3), cells, Dtype::f32, tiny.threads);
  CHECK(Counting<false>::scored == 4);
  CHECK(Counting<true>::scored == 12);
}
