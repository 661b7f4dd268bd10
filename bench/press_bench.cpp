// Benchmarks of every press on one layer with the shape of Qwen2.5-0.5B, on one thread: score, select, and compact or
// rewrite. They are compared with the prefill of a layer on all threads.
#include <catch2/catch.hpp>
#include <kvx/cache/compact.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "work.hpp"

namespace {

using namespace kvx;
using namespace kvx_bench;

constexpr Index kLayers = 24, kHeads = 14, kKvHeads = 2, kDim = 64, kTokens = 4096, kHidden = 896;

std::vector<float> noise(Index count, std::uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

TensorView<const float> tensor(const std::vector<float>& data, Index heads) {
  return TensorView<const float>::head_major(data.data(), heads, kTokens, kDim);
}

/// The seconds of the matrix products and the attention in a layer's prefill.
double prefill_seconds(const std::vector<float>& keys, const std::vector<float>& queries) {
  Threads threads;
  std::vector<PackedMatrix> weights;
  for (const auto& [in, out] : {std::pair{896, 1152}, {896, 896}, {896, 9728}, {4864, 896}}) {
    const std::vector<float> ones(static_cast<std::size_t>(in * out), 1.0f);
    weights.emplace_back(WeightFormat::bf16, out, in).pack(0, out, Dtype::f32, std::as_bytes(std::span(ones)), threads);
  }
  constexpr Index kTile = 32;  // queries of a head that are processed at once
  Matrix<float> sums = Matrix<float>::Zero(kHeads * kTokens, kDim);
  std::vector<Matrix<float>> x, y;
  for (const PackedMatrix& weight : weights) {
    x.push_back(Matrix<float>::Ones(kTokens, weight.in()));
    y.push_back(Matrix<float>::Zero(kTokens, weight.out()));
  }
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < weights.size(); ++i)
    matmul(view(std::as_const(x[i])), weights[i], {}, view(y[i]), threads);
  threads.parallel_for(kKvHeads * kTokens / kTile, 1, [&](Index first, Index last) {
    for (Index tile = first; tile < last; ++tile) {
      constexpr Index kGroup = kHeads / kKvHeads;
      const Index h = tile % kKvHeads, from = tile / kKvHeads * kTile;
      std::vector<AttentionQuery> batch;
      for (Index i = h * kGroup; i < (h + 1) * kGroup; ++i)
        for (Index t = from; t < from + kTile; ++t)
          batch.push_back({tensor(queries, kHeads).row(i, t), sums.row(i * kTokens + t).data(), t + 1});
      attend<float>(batch, tensor(keys, kKvHeads).head(h), tensor(keys, kKvHeads).head(h), 0.125f);
      finish_attention(batch, kDim);
    }
  });
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The text of the press that is measured: its name, or an adapter around SnapKV, or a special text.
std::string written(const Registry::Entry& entry) {
  static const std::map<std::string_view, std::string> special = {
      // These do nothing before an answer is decoded.
      {"none", ""},
      {"decoding", ""},
      {"prefill_decoding", ""},
      {"int8", ""},
      {"int4", ""},
      {"int2", ""},
      // These need parameters, or other presses inside.
      {"qfilter", "qfilter(file=random)"},
      {"duo_attention", "duo_attention(file=random)"},
      {"simlayerkv", "simlayerkv(threshold=0)"},
      {"block", "block(keydiff)"},
      {"composed", "composed(streaming_llm, knorm)"},
      {"dms", "dms(snapkv, threshold=0.0001)"},
      {"fair", "fair(snapkv, defense=8:2000, instructions=2000:4090)"},
      {"per_layer", "per_layer(snapkv, ratios=[0.5])"},
      {"protect", "protect(snapkv, first=16)"},
  };
  if (const auto found = special.find(entry.name); found != special.end()) return found->second;
  return std::string(entry.name) + (entry.wraps.empty() ? "" : "(snapkv)");
}

TEST_CASE("presses") {
  const auto keys = noise(kKvHeads * kTokens * kDim, 1), values = noise(kKvHeads * kTokens * kDim, 2),
             queries = noise(kHeads * kTokens * kDim, 3), output = noise(kHidden * kHeads * kDim, 4),
             inv_freq = rope_inv_freq(kDim, 1e6);
  const std::vector<float> attention(kHeads * kTokens, 1.0f), repeated(kKvHeads * kTokens, 0.5f);
  const PressInput input{
      .keys = tensor(keys, kKvHeads),
      .values = tensor(values, kKvHeads),
      .queries = tensor(queries, kHeads),
      .pre_rope_queries = tensor(queries, kHeads),
      .pre_rope_keys = tensor(keys, kKvHeads),
      .attention = attention,
      .inv_freq = inv_freq,
      .output_projection = TensorView<const float>::token_major(output.data(), kHeads, kHidden, kDim),
      .repeated = repeated};
  const PressSetup setup{.seed = 1, .read = [](const std::string&, const std::string& name) -> Matrix<float> {
                           return Matrix<float>::Random(name == "filters" ? kKvHeads : 1,
                                                        name == "filters" ? kDim : kKvHeads);
                         }};
  const double prefill = prefill_seconds(keys, queries);
  const Registry registry = kvx_presses();
  for (const auto& entry : registry.entries()) {
    const std::string text = written(entry);
    if (text.empty()) continue;
    const AnyPolicy policy = registry.parse(text, setup);
    const PressInput scored = with_queries(input, std::min(kTokens, policy.needs().queries)),
                     editing = with_queries(input, policy.edit_queries());
    auto kept_keys = keys, kept_values = values;
    const auto head = [](std::vector<float>& rows, Index h, Index count) {
      return view(rows.data() + h * kTokens * kDim, count, kDim, kDim);
    };
    BENCHMARK(relative_to_prefill(text, kLayers, prefill)) {
      const Kept kept = policy.select(scored, Allowance::of_ratio(0.5));
      compact(TensorView<float>::head_major(kept_keys.data(), kKvHeads, kTokens, kDim), kept);
      compact(TensorView<float>::head_major(kept_values.data(), kKvHeads, kTokens, kDim), kept);
      for (Index h = 0; policy.traits().edits && h < kKvHeads; ++h) {
        const auto& rows = kept[static_cast<std::size_t>(h)];
        const auto count = static_cast<Index>(rows.size());
        std::vector<Position> positions(rows.begin(), rows.end());
        policy.edit(editing, h, rows, {head(kept_keys, h, count), head(kept_values, h, count), positions});
      }
      return kept.size();
    };
    const Kept kept = policy.select(scored, Allowance::of_ratio(0.5));
    const auto rows = std::accumulate(kept.begin(), kept.end(), std::size_t{0},
                                      [](std::size_t sum, const auto& head_rows) { return sum + head_rows.size(); });
    CHECK(static_cast<Index>(rows) <= policy.rows(scored, {0.5, kTokens / 2}));
  }
}

}  // namespace
