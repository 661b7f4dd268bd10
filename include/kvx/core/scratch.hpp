#pragma once

#include <kvx/core/line_allocator.hpp>

#include <cstddef>

namespace kvx::inline v0::detail {

/// Working memory of the calling thread: `count` elements, whose values are not set. The thread's later calls with the
/// same `Use` and `T` reuse the memory, so that repeated steps allocate nothing.
template <class Use, class T>
T* scratch(std::size_t count) {
  thread_local LineVector<T> memory;
  return at_least(memory, count);
}

}  // namespace kvx::inline v0::detail
