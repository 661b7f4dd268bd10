// Benchmarks of the cache of one KV head.
#include <catch2/catch.hpp>
#include <kvx/cache/head_cache.hpp>

#include <string>
#include <vector>

#include "work.hpp"

namespace {

using namespace kvx;
using namespace kvx_bench;

TEST_CASE("cache") {
  constexpr Index kTokens = 4096, kDim = 64;
  const std::vector<float> row(kDim, 1.0f);
  std::vector<Index> kept;
  for (Index t = 0; t < kTokens; t += 2) kept.push_back(t);
  Threads one(1);
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const auto filled = [&] {
      HeadCache head(dtype, kDim);
      head.reserve(kTokens);
      for (Index t = 0; t < kTokens; ++t) head.append(static_cast<Position>(t), row.data(), row.data());
      return head;
    };
    const HeadCache head = filled();
    const auto bytes = static_cast<double>(head.bytes());
    const std::string variant = " " + std::string(name_of(dtype)) + " 4096 x 64";
    BENCHMARK(reads("append" + variant, bytes, one)) { return filled().rows(); };
    BENCHMARK(reads("compaction" + variant + ", ratio 0.5", bytes / 2, one)) { return head.compacted(kept).rows(); };
    CHECK(head.compacted(kept).bytes() * 2 == head.bytes());
  }
}

}  // namespace
