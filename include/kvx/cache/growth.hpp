#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// The largest number of rows, in the cache's dtype, for which a KV head holds memory that it does not use.
inline constexpr Index kCacheBlock = 64;

namespace detail {

/// The number of rows by which a cache grows: half of a block, since quantized and unquantized rows grow separately.
inline constexpr Index kCacheGrowth = kCacheBlock / 2;

/// The number of rows for which a cache holds memory after it has grown to `rows`.
inline constexpr Index grown_rows(Index rows) { return (rows + kCacheGrowth - 1) / kCacheGrowth * kCacheGrowth; }

/// Resizes `memory` to `count` elements. If it has to grow, its capacity becomes a multiple of `step` elements, whereas
/// std::vector would double it.
template <class Vector>
void resize_in_steps(Vector& memory, std::size_t count, std::size_t step) {
  if (count > memory.capacity()) memory.reserve((count + step - 1) / step * step);
  memory.resize(count);
}

/// Frees the unused capacity if it is more than `spare` elements.
template <class Vector>
void shrink(Vector& memory, std::size_t spare) {
  if (memory.capacity() - memory.size() > spare) memory.shrink_to_fit();
}

}  // namespace detail

}  // namespace kvx::inline v0
