// Counts what is really allocated, by a program of its own whose operator new counts, while a cache is compressed.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <kvx/cache/kv_cache.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

std::ptrdiff_t live_bytes = 0;
constexpr std::size_t kHeader = alignof(std::max_align_t);  // in front of each block: its size

void* allocate(std::size_t size) noexcept {
  void* const block = std::malloc(size + kHeader);
  if (block == nullptr) return nullptr;
  *static_cast<std::size_t*>(block) = size;
  live_bytes += static_cast<std::ptrdiff_t>(size);
  return static_cast<std::byte*>(block) + kHeader;
}
void release(void* memory) noexcept {
  if (memory == nullptr) return;
  void* const block = static_cast<std::byte*>(memory) - kHeader;
  live_bytes -= static_cast<std::ptrdiff_t>(*static_cast<std::size_t*>(block));
  std::free(block);
}
void* allocate_or_throw(std::size_t size) {
  if (void* const memory = allocate(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace {

using namespace kvx;

LayerCache filled(Index kv_heads, Index head_dim, Index rows, Dtype dtype) {
  LayerCache layer(static_cast<std::size_t>(kv_heads), HeadCache(dtype, head_dim));
  const std::vector<float> row(static_cast<std::size_t>(head_dim), 1.0f);
  for (HeadCache& head : layer) {
    head.reserve(rows);
    for (Index t = 0; t < rows; ++t) head.append(static_cast<Position>(t), row.data(), row.data());
  }
  return layer;
}

TEST_CASE("evicting three quarters of a cache frees three quarters of its memory") {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    constexpr Index kHeads = 4, kDim = 64, kRows = 4096;
    std::vector<std::vector<Index>> kept(kHeads);
    for (Index h = 0; h < kHeads; ++h)
      for (Index t = h; t < kRows; t += 4) kept[static_cast<std::size_t>(h)].push_back(t);

    const std::ptrdiff_t before = live_bytes;
    LayerCache layer = filled(kHeads, kDim, kRows, dtype);
    const std::ptrdiff_t full = live_bytes - before;
    std::size_t stated_full = 0, stated_small = 0;
    for (const HeadCache& head : layer) stated_full += head.bytes();
    layer = compacted(layer, kept);
    const std::ptrdiff_t small = live_bytes - before;
    for (const HeadCache& head : layer) stated_small += head.bytes();
    layer = LayerCache();
    const std::ptrdiff_t after = live_bytes - before;

    constexpr std::size_t kHandles = kHeads * sizeof(HeadCache);
    CHECK(stated_full == kHeads * kRows * (2 * kDim * size_of(dtype) + sizeof(Position)));
    CHECK(stated_small == stated_full / 4);
    CHECK(full == static_cast<std::ptrdiff_t>(stated_full + kHandles));
    CHECK(small == static_cast<std::ptrdiff_t>(stated_small + kHandles));
    CHECK(after == 0);
  }
}

}  // namespace
