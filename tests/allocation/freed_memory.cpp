// A program whose operator new counts bytes: checks the memory that is really allocated while a cache is compressed.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "counting_new.hpp"

#include <doctest/doctest.h>
#include <kvx/cache/kv_cache.hpp>

#include <cstddef>
#include <vector>

namespace {

using namespace kvx;
using kvx_test::live_bytes;

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
