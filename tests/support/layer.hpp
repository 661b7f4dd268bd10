#pragma once

#include "support/random_floats.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvx_test {

/// One layer of zeros or random numbers. It owns the memory of its PressInput.
struct Layer {
  kvx::Index heads, kv_heads, tokens, head_dim;
  std::vector<float> keys, values, pre_rope_keys;  // [kv_heads, tokens, head_dim]
  std::vector<float> queries, pre_rope_queries;    // [heads, tokens, head_dim]
  std::vector<float> attention;                    // [heads, tokens]
  std::vector<float> repeated;                     // [kv_heads, tokens]
  std::vector<float> inv_freq;                     // [head_dim / 2]
  kvx::Matrix<float> output;                       // [hidden, heads head_dim]

  Layer(kvx::Index query_heads, kvx::Index key_heads, kvx::Index rows, kvx::Index dim)
      : heads(query_heads),
        kv_heads(key_heads),
        tokens(rows),
        head_dim(dim),
        keys(static_cast<std::size_t>(kv_heads * tokens * head_dim)),
        values(keys.size()),
        pre_rope_keys(keys.size()),
        queries(static_cast<std::size_t>(heads * tokens * head_dim)),
        pre_rope_queries(queries.size()),
        attention(static_cast<std::size_t>(heads * tokens)),
        repeated(static_cast<std::size_t>(kv_heads * tokens)),
        inv_freq(static_cast<std::size_t>(head_dim / 2)),
        output(kvx::Matrix<float>::Zero(head_dim, heads * head_dim)) {}

  static Layer random(kvx::Index query_heads, kvx::Index key_heads, kvx::Index rows, kvx::Index dim,
                      std::uint64_t seed) {
    Layer layer(query_heads, key_heads, rows, dim);
    for (auto* tensor : {&layer.keys, &layer.values, &layer.pre_rope_keys, &layer.queries, &layer.pre_rope_queries,
                         &layer.attention, &layer.repeated})
      *tensor = random_floats(tensor->size(), seed++);
    for (float& received : layer.attention) received += 1;
    layer.inv_freq = kvx::rope_inv_freq(dim, 10000);
    const auto floats = random_floats(static_cast<std::size_t>(layer.output.size()), seed);
    std::copy(floats.begin(), floats.end(), layer.output.data());
    return layer;
  }

  /// Row (h, t) of keys, values or queries.
  float* row(std::vector<float>& tensor, kvx::Index h, kvx::Index t) const {
    return tensor.data() + (h * tokens + t) * head_dim;
  }

  kvx::PressInput input(const kvx::Needs& needs = {}) const {
    kvx::PressInput in{
        .layer = 0,
        .layers = 1,
        .keys = view(keys, kv_heads),
        .values = view(values, kv_heads),
        .inv_freq = inv_freq,
        .output_projection = kvx::TensorView<const float>::token_major(output.data(), heads, output.rows(), head_dim)};
    const kvx::Index window = std::min(needs.queries, tokens);
    if (window > 0) in.queries = view(queries, heads).tokens(tokens - window, window);
    if (needs.pre_rope_queries) in.pre_rope_queries = view(pre_rope_queries, heads);
    if (needs.pre_rope_keys) in.pre_rope_keys = view(pre_rope_keys, kv_heads);
    if (needs.attention) in.attention = attention;
    if (needs.repetition) in.repeated = repeated;
    return in;
  }

 private:
  kvx::TensorView<const float> view(const std::vector<float>& tensor, kvx::Index count) const {
    return kvx::TensorView<const float>::head_major(tensor.data(), count, tokens, head_dim);
  }
};

}  // namespace kvx_test
