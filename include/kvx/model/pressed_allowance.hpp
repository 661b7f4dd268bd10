#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/model/config.hpp>
#include <kvx/press/allowance.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// The allowance for a press, which acts only on the layers without a window. In a context of `tokens` tokens, the
/// layers with a window take a part of given bytes; the rest is for the pressed layers. Since an allowance in bytes is
/// divided among all layers, the rest is scaled by layers / pressed layers. Throws Error if it does not hold a row of
/// each pressed layer and KV head. Other allowances are unchanged.
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
