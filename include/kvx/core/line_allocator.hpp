#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace kvx::inline v0 {

/// An allocator for memory that kernels read one cache line at a time. Memory is aligned to cache lines and not zeroed.
/// From the size of a huge page, it is aligned to huge pages, and the system is asked to use them.
template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64}, kHugePage{std::size_t{1} << 21};

  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}

  T* allocate(std::size_t count) {
    void* const memory = ::operator new(count * sizeof(T), alignment(count));
    if (alignment(count) != kLine) (void)::madvise(memory, count * sizeof(T), MADV_HUGEPAGE);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) { ::operator delete(memory, alignment(count)); }

  template <class U>
  void construct(U* element) {
    ::new (static_cast<void*>(element)) U;
  }
  template <class U, class... Args>
  void construct(U* element, Args&&... args) {
    ::new (static_cast<void*>(element)) U(static_cast<Args&&>(args)...);
  }

  friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }

 private:
  static std::align_val_t alignment(std::size_t count) {
    return count * sizeof(T) >= static_cast<std::size_t>(kHugePage) ? kHugePage : kLine;
  }
};

template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

/// Returns memory for at least `count` elements, whose values are not set. `memory` grows if needed and never shrinks.
template <class T>
T* at_least(LineVector<T>& memory, std::size_t count) {
  if (memory.size() < count) {
    memory.clear();  // so that resize() copies nothing
    memory.resize(count);
  }
  return memory.data();
}

}  // namespace kvx::inline v0
