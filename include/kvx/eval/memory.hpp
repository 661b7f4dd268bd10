#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
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
inline std::size_t weight_bytes(const ModelConfig& config, Dtype dtype) {
  const Index attention = (2 * config.heads + 2 * config.kv_heads) * config.head_dim;
  const Index layer = config.hidden_size * (attention + 3 * config.intermediate_size);
  const Index vocabularies = config.tie_word_embeddings ? 1 : 2;
  return static_cast<std::size_t>(config.layers * layer + vocabularies * config.vocab_size * config.hidden_size) *
         size_of(dtype);
}

/// What a prefill of `tokens` takes at its peak: the rows between the matrices, and the uncompressed cache.
inline std::size_t prefill_bytes(const ModelConfig& config, Index tokens, const CacheShape& shape) {
  const Index attention = (config.heads + 2 * config.kv_heads) * config.head_dim;
  const Index row = 3 * config.hidden_size + 3 * attention + config.heads * (config.head_dim + 2);
  constexpr Index kBlock = 256;
  return static_cast<std::size_t>(tokens * row + kBlock * (4 * config.intermediate_size + config.hidden_size)) *
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
