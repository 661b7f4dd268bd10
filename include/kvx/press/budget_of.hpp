#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/quantize.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/parts/largest_fitting.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// The bytes of `rows` rows of one head, quantized or not.
inline std::size_t stored_bytes(const std::optional<CacheQuantization>& quantization, const CacheShape& shape,
                                Index rows) {
  return quantization ? quantized_bytes(*quantization, shape, rows)
                      : static_cast<std::size_t>(rows) * shape.row_bytes();
}

/// The bytes of the rows `kept` of a layer.
inline std::size_t stored_bytes(const std::optional<CacheQuantization>& quantization, const CacheShape& shape,
                                const Kept& kept) {
  std::size_t sum = 0;
  for (const auto& head : kept) sum += stored_bytes(quantization, shape, static_cast<Index>(head.size()));
  return sum;
}

/// Whether the bytes of the rows that stay depend on which rows these are: the allowance is in bytes, rows are
/// quantized, and heads keep different numbers of rows.
template <ScorePolicy P>
bool fits_by_selection(const P& policy, const Allowance& allowance) {
  const Traits traits = Hooks(policy).traits();
  return allowance.bytes() && traits.ragged && !traits.own_budget && Hooks(policy).quantization();
}

/// The budget that `allowance` gives for `tokens` rows per head of a cache of this shape. Bytes are counted in the
/// policy's own format and with its number of rows in each layer, as if all heads of a layer kept the same number of
/// rows. Throws Error if the bytes are not enough for one row per layer and head.
template <ScorePolicy P>
Budget budget_of(const P& policy, const Allowance& allowance, Index tokens, const CacheShape& shape) {
  const auto quantization = Hooks(policy).quantization();
  const auto max_bytes = allowance.bytes();
  if (max_bytes && Hooks(policy).traits().own_budget) return {0, tokens};
  if (!max_bytes || !quantization) return allowance.resolve(tokens, shape);
  const auto cache_bytes = [&](Index keep) {
    std::size_t sum = 0;
    for (Index l = 0; l < shape.layers; ++l) {
      const auto rows = TensorView<const float>::head_major(nullptr, shape.kv_heads, tokens, shape.head_dim);
      const PressInput in{.layer = l, .layers = shape.layers, .keys = rows, .values = rows, .dtype = shape.dtype};
      const Index head_rows = Hooks(policy).rows(in, exact_budget(keep, tokens)) / shape.kv_heads;
      sum += static_cast<std::size_t>(shape.kv_heads) * stored_bytes(quantization, shape, head_rows);
    }
    return sum;
  };
  // A row takes at least its codes and its position, which gives an upper bound of the number of rows. From there, all
  // numbers are tried downward: one more row can take fewer bytes, if it completes a block that can be quantized.
  const Index row =
      shape.head_dim * (quantization->keys.bits + quantization->values.bits) / 8 + Index{sizeof(Position)};
  Index keep = std::min(tokens, static_cast<Index>(*max_bytes) / (row * shape.layers * shape.kv_heads));
  while (keep > 0 && cache_bytes(keep) > *max_bytes) --keep;
  if (keep == 0) allowance.refuse_bytes(cache_bytes(1));
  return exact_budget(keep, tokens);
}

/// The budget of one layer, which must have passed check().
template <ScorePolicy P>
Budget budget_of(const P& policy, const Allowance& allowance, const PressInput& in) {
  return budget_of(policy, allowance, in.tokens(), {in.layers, in.kv_heads(), in.head_dim(), in.dtype});
}

/// The number of rows of each head, layer by layer.
inline std::vector<Index> rows_of_heads(std::span<const Kept> layers) {
  std::vector<Index> rows;
  for (const Kept& kept : layers)
    for (const auto& head : kept) rows.push_back(static_cast<Index>(head.size()));
  return rows;
}

/// The largest mean number of rows per head that fits into `max_bytes`. `select`, std::vector<Kept>(Index), chooses the
/// rows of each layer for a mean number of rows per head. Throws Error if not even one row per head fits.
template <ScorePolicy P, class Select>
Index fitting_rows(const P& policy, const Allowance& allowance, std::size_t max_bytes, Index tokens,
                   const CacheShape& shape, Select&& select) {
  std::vector<std::size_t> bytes;
  for (Index rows = 0; rows <= tokens; ++rows) bytes.push_back(stored_bytes(Hooks(policy).quantization(), shape, rows));
  const auto rows_at = [&](Index keep) { return rows_of_heads(select(keep)); };
  const Index keep = detail::largest_fitting(bytes, max_bytes, !Hooks(policy).traits().scores_by_budget, rows_at);
  if (keep == 0) {
    std::size_t needed = 0;
    const auto rows = rows_at(1);
    for (const Index head_rows : rows) needed += bytes[static_cast<std::size_t>(head_rows)];
    allowance.refuse_bytes(needed * static_cast<std::size_t>(shape.layers * shape.kv_heads) / rows.size());
  }
  return keep;
}

/// The rows of a layer that `select`, Kept(const Budget&), keeps within `budget`. If fits_by_selection(), as many rows
/// stay as fit into the layer's equal share of the bytes; then throws Error if not even one row per head fits.
template <ScorePolicy P, class Select>
Kept select_within(const P& policy, const Allowance& allowance, const Budget& budget, const PressInput& in,
                   Select&& select) {
  if (!fits_by_selection(policy, allowance)) return select(budget);
  const CacheShape shape{in.layers, in.kv_heads(), in.head_dim(), in.dtype};
  const auto layers = static_cast<std::size_t>(in.layers), layer = static_cast<std::size_t>(in.layer);
  const std::size_t max_bytes = *allowance.bytes() * (layer + 1) / layers - *allowance.bytes() * layer / layers;
  const auto select_rows = [&](Index keep) { return std::vector<Kept>{select(exact_budget(keep, in.tokens()))}; };
  return select_rows(fitting_rows(policy, allowance, max_bytes, in.tokens(), shape, select_rows)).front();
}

/// As select_within(), for all layers of a model at once, with `select`, std::vector<Kept>(const Budget&).
template <ScorePolicy P, class Select>
std::vector<Kept> select_layers_within(const P& policy, const Allowance& allowance, const Budget& budget, Index tokens,
                                       const CacheShape& shape, Select&& select) {
  if (!fits_by_selection(policy, allowance)) return select(budget);
  const auto select_rows = [&](Index keep) { return select(exact_budget(keep, tokens)); };
  return select_rows(fitting_rows(policy, allowance, *allowance.bytes(), tokens, shape, select_rows));
}

}  // namespace kvx::inline v0
