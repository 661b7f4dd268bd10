#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace kvx::inline v0 {

/// Memory that kernels read a cache line at a time: aligned to lines, not zeroed, and in huge pages where it is large
/// and the system has them.
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
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(static_cast<Args&&>(args)...);
  }

  friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }

 private:
  static std::align_val_t alignment(std::size_t count) {
    return count * sizeof(T) >= static_cast<std::size_t>(kHugePage) ? kHugePage : kLine;
  }
};

template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

/// `count` elements of no set value: `memory` grows where it has to, and never shrinks.
template <class T>
T* at_least(LineVector<T>& memory, std::size_t count) {
  if (memory.size() < count) {
    memory.clear();  // nothing to copy
    memory.resize(count);
  }
  return memory.data();
}

}  // namespace kvx::inline v0
