#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/model/config.hpp>
#include <kvx/press/allowance.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// The allowance for a press that acts on the layers without a window. Bytes are shared out among all layers of a
/// shape; so they become as many as give these layers what the others leave. Throws Error if the others leave nothing.
inline Allowance pressed_allowance(const ModelConfig& config, const Allowance& allowance, Index tokens,
                                   const CacheShape& shape) {
  const auto bytes = allowance.bytes();
  const Index pressed = config.layers - config.windows();
  if (!bytes || pressed == 0 || pressed == config.layers) return allowance;
  const auto bytes_of = [&](Index rows) { return static_cast<std::size_t>(rows * shape.kv_heads) * shape.row_bytes(); };
  const std::size_t held = bytes_of(config.rows(tokens) - pressed * tokens);
  if (*bytes < held + bytes_of(pressed)) allowance.refuse_bytes(held + bytes_of(pressed));
  return Allowance::of_bytes((*bytes - held) * static_cast<std::size_t>(config.layers) /
                             static_cast<std::size_t>(pressed));
}

}  // namespace kvx::inline v0
