#pragma once

// Operators new and delete that count bytes. Include this file in only one source file of a program.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace kvx_test {

inline std::atomic<std::ptrdiff_t> live_bytes = 0;  ///< bytes that are allocated and not yet freed

namespace detail {

/// Allocates a block. Its size is stored before it, in as many bytes as the alignment.
inline void* allocate(std::size_t size, std::size_t alignment) noexcept {
  void* const block = std::aligned_alloc(alignment, (size + 2 * alignment - 1) / alignment * alignment);
  if (block == nullptr) return nullptr;
  *static_cast<std::size_t*>(block) = size;
  live_bytes += static_cast<std::ptrdiff_t>(size);
  return static_cast<std::byte*>(block) + alignment;
}
[[gnu::noinline]] inline void release(void* memory, std::size_t alignment) noexcept {
  if (memory == nullptr) return;
  void* const block = static_cast<std::byte*>(memory) - alignment;
  live_bytes -= static_cast<std::ptrdiff_t>(*static_cast<std::size_t*>(block));
  std::free(block);
}
inline void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* const memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}
inline constexpr std::size_t kPlain = alignof(std::max_align_t);

}  // namespace detail

}  // namespace kvx_test

void* operator new(std::size_t size) { return kvx_test::detail::allocate_or_throw(size, kvx_test::detail::kPlain); }
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return kvx_test::detail::allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return kvx_test::detail::allocate(size, kvx_test::detail::kPlain);
}
void* operator new[](std::size_t size, const std::nothrow_t& nothrow) noexcept { return operator new(size, nothrow); }
void operator delete(void* memory) noexcept { kvx_test::detail::release(memory, kvx_test::detail::kPlain); }
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::align_val_t alignment) noexcept {
  kvx_test::detail::release(memory, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  operator delete(memory, alignment);
}
