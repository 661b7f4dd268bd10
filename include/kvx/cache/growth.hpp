#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// A KV head of a cache holds memory for at most this many rows, of the cache's dtype, beyond those that it has.
inline constexpr Index kCacheBlock = 64;

namespace detail {

/// Rows that a cache grows by at a time: half of a block, since quantized rows beside the whole ones grow as well.
inline constexpr Index kCacheGrowth = kCacheBlock / 2;

/// Rows that a cache holds memory for when it has grown to `rows`.
inline constexpr Index grown_rows(Index rows) { return (rows + kCacheGrowth - 1) / kCacheGrowth * kCacheGrowth; }

/// Resizes `memory` to `count` elements. Where it has to grow, it gets room for a multiple of `step` elements and not,
/// as a vector would by itself, for twice as many as before.
template <class Vector>
void resize_in_steps(Vector& memory, std::size_t count, std::size_t step) {
  if (count > memory.capacity()) memory.reserve((count + step - 1) / step * step);
  memory.resize(count);
}

/// Gives back what is allocated beyond the elements, where that is more than `spare` elements.
template <class Vector>
void shrink(Vector& memory, std::size_t spare) {
  if (memory.capacity() - memory.size() > spare) memory.shrink_to_fit();
}

}  // namespace detail

}  // namespace kvx::inline v0
