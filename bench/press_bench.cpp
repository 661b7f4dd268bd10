// Every press on one layer of Qwen2.5-0.5B's shape. The rate is that of the layer's keys and values.
#include <catch2/catch.hpp>
#include <kvx/core/random.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/press/registry.hpp>

#include <string>
#include <vector>

#include "work.hpp"

namespace {

using namespace kvx;
using namespace kvx_bench;

constexpr Index kHeads = 14, kKvHeads = 2, kDim = 64, kTokens = 4096;

std::vector<float> noise(Index count) {
  SplitMix64 random(1);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.uniform());
  return values;
}

TEST_CASE("presses") {
  const auto keys = noise(kKvHeads * kTokens * kDim), queries = noise(kHeads * kTokens * kDim);
  const auto attention = noise(kHeads * kTokens), inv_freq = rope_inv_freq(kDim, 1e6);
  const auto tensor = [&](const std::vector<float>& data, Index heads) {
    return TensorView<const float>::head_major(data.data(), heads, kTokens, kDim);
  };
  const auto bytes = static_cast<double>(2 * keys.size() * sizeof(float));
  Threads one(1);
  const Registry registry;
  for (const auto& entry : registry.entries()) {
    if (entry.name == "none") continue;  // it does nothing
    const AnyPolicy policy = registry.parse(entry.name);
    PressInput in{.keys = tensor(keys, kKvHeads),
                  .values = tensor(keys, kKvHeads),
                  .queries = {},
                  .pre_rope_queries = tensor(queries, kHeads),
                  .attention = attention,
                  .inv_freq = inv_freq};
    if (policy.needs().queries > 0)
      in.queries = tensor(queries, kHeads).tokens(kTokens - policy.needs().queries, policy.needs().queries);
    Kept kept;
    BENCHMARK(reads(std::string(entry.name) + " 14/2 heads x 4096 x 64, ratio 0.5", bytes, one)) {
      kept = policy.select(in, Allowance::of_ratio(0.5));
      return kept.size();
    };
    CHECK(static_cast<Index>(kept.front().size()) == policy.rows({0.5, kTokens / 2}, kTokens));
  }
}

}  // namespace
