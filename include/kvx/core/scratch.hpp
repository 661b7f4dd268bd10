#pragma once

#include <kvx/core/line_allocator.hpp>

#include <cstddef>

namespace kvx::inline v0::detail {

/// Memory of the calling thread to work in, `count` elements of no set value. It is kept for the thread's next call
/// with this `Use`, so that a step allocates nothing.
template <class Use, class T>
T* scratch(std::size_t count) {
  thread_local LineVector<T> memory;
  return at_least(memory, count);
}

}  // namespace kvx::inline v0::detail
