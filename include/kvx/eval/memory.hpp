#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/attend_tile.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/model/config.hpp>

#include <malloc.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace kvx::inline v0 {

/// Bytes of this process that are in memory now, after giving back what is free.
inline std::size_t resident_bytes() {
  ::malloc_trim(0);
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// What the matrices of a model take.
inline std::size_t weight_bytes(const ModelConfig& config, WeightFormat format) {
  const Index queries = config.heads * config.head_dim, keys = config.kv_heads * config.head_dim;
  const Index hidden = config.hidden_size, inner = config.intermediate_size;
  const auto bytes = [&](Index out, Index in) { return PackedMatrix::bytes_of(format, out, in); };
  const std::size_t layer =
      bytes(queries + 2 * keys, hidden) + bytes(hidden, queries) + bytes(2 * inner, hidden) + bytes(hidden, inner);
  const std::size_t vocabularies = config.tie_word_embeddings ? 1 : 2;
  return static_cast<std::size_t>(config.layers) * layer + vocabularies * bytes(config.vocab_size, hidden);
}

/// What a prefill of `tokens` takes at its peak: the rows between the matrices, and the uncompressed cache.
inline std::size_t prefill_bytes(const ModelConfig& config, Index tokens, const CacheShape& shape) {
  const Index qkv = (config.heads + 2 * config.kv_heads) * config.head_dim;
  constexpr Index kQuery = sizeof(AttentionQuery) / sizeof(float), kBlock = 512;
  // Hidden states, queries, keys and values; heads apart; what attention gives, receives and notes; cosines and sines.
  const Index row = config.hidden_size + 3 * qkv + config.heads * (1 + kQuery) + config.head_dim;
  return static_cast<std::size_t>(tokens * row + kBlock * (2 * config.intermediate_size + 2 * config.hidden_size)) *
             sizeof(float) +
         static_cast<std::size_t>(tokens * (shape.layers + 1) * shape.kv_heads) * shape.row_bytes();
}

/// Bytes from a text such as 500M, 4G or 4096. Throws Error for anything else.
inline std::size_t parse_bytes(std::string_view text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  int shift = 0;
  if (end - rest == 1) shift = *rest == 'K' ? 10 : *rest == 'M' ? 20 : *rest == 'G' ? 30 : *rest == 'T' ? 40 : -1;
  if (code != std::errc() || end - rest > 1 || shift < 0 || value == 0 || value > (~std::size_t{0} >> 1 >> shift))
    throw Error("memory", "expected a size such as 500M or 4G, found '" + std::string(text) + "'");
  return value << shift;
}

}  // namespace kvx::inline v0
