// Counts what is really allocated, by the program's own operator new, while a cache is compressed.
#include <doctest/doctest.h>
#include <malloc.h>
#include <kvx/cache/kv_cache.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace {
std::atomic<std::ptrdiff_t> live_bytes = 0;
}

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  live_bytes += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  return memory;
}
void operator delete(void* memory) noexcept {
  live_bytes -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

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
    const std::ptrdiff_t before = live_bytes;
    LayerCache layer = filled(kHeads, kDim, kRows, dtype);
    const std::ptrdiff_t full = live_bytes - before;
    std::size_t stated = 0;
    for (const HeadCache& head : layer) stated += head.bytes();
    CHECK(stated == kHeads * kRows * (2 * kDim * size_of(dtype) + sizeof(Position)));
    CHECK(full >= static_cast<std::ptrdiff_t>(stated));
    CHECK(full < static_cast<std::ptrdiff_t>(stated) + 4096);
    {
      std::vector<std::vector<Index>> kept(kHeads);
      for (Index h = 0; h < kHeads; ++h)
        for (Index t = h; t < kRows; t += 4) kept[static_cast<std::size_t>(h)].push_back(t);
      layer = compacted(layer, kept);
    }
    const std::ptrdiff_t small = live_bytes - before;
    CHECK(small <= full / 4 + 4096);
    layer.clear();
    layer.shrink_to_fit();
    CHECK(live_bytes == before);
  }
}

}  // namespace
