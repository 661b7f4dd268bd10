#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/model/config.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// The most bytes that a prefill of `tokens` tokens occupies at a time, with activations and the uncompressed cache.
inline std::size_t prefill_bytes(const ModelConfig& config, Index tokens, const CacheShape& shape) {
  constexpr Index kQuery = sizeof(AttentionQuery) / sizeof(float), kBlock = 512;
  // Hidden states; queries, keys and values with copies head by head, and the output of attention; received attention
  // and AttentionQuery of each head; cosines and sines, twice if some layers have a window.
  const Index row = config.hidden_size + 3 * config.layer().qkv() + config.heads * (1 + kQuery) +
                    (config.windows() > 0 ? 2 : 1) * config.head_dim;
  return static_cast<std::size_t>(tokens * row + kBlock * (2 * config.intermediate_size + 2 * config.hidden_size)) *
             sizeof(float) +
         static_cast<std::size_t>((config.rows(tokens) + tokens) * shape.kv_heads) * shape.row_bytes();
}

/// The bytes of the activations of a decoding step that feeds `tokens` tokens of one sequence.
inline std::size_t step_bytes(const ModelConfig& config, Index tokens) {
  const LayerSizes layer = config.layer();
  const Index row = 3 * layer.hidden + layer.qkv() + layer.queries();
  return static_cast<std::size_t>(tokens * row + config.vocab_size) * sizeof(float);
}

}  // namespace kvx::inline v0
