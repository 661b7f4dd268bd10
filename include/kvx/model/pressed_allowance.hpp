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

/// The share of the rows of the pressed layers that is removed if `kept` rows of a context of `tokens` tokens stay in
/// all layers and KV heads together; 0 if no layer is pressed. Layers with a window keep the rows that they hold.
inline double removed_share(const ModelConfig& config, Index tokens, Index kept) {
  const Index pressed = (config.layers - config.windows()) * tokens * config.kv_heads;
  const Index in_windows = config.rows(tokens) * config.kv_heads - pressed;
  return pressed > 0 ? 1 - static_cast<double>(kept - in_windows) / static_cast<double>(pressed) : 0;
}

}  // namespace kvx::inline v0
