#include <kvx/kernels/peak.hpp>

#include <doctest/doctest.h>

#include <cmath>

TEST_CASE("the multiply-adds of a peak are all done, on every chain") {
  // 12 chains begin at 0, 1, 2, ...; a round makes sum / 2 + 1 of each, or sum + 1 + 1 by products of bf16.
  for (const kvx::Isa path : kvx::available_isas()) {
    if (path == kvx::Isa::amx) continue;
    const bool bf16 = path == kvx::Isa::avx512bf16;
    const auto run = [&](kvx::Index rounds) { return kvx::detail::run_peak(path, rounds); };
    CHECK(run(0) == 66);
    CHECK(run(1) == (bf16 ? 66 + 24 : 66 / 2 + 12));
    CHECK(run(100) == (bf16 ? 66 + 2400 : 24));
  }
}

TEST_CASE("each path that the CPU can run has a peak") {
  kvx::Threads threads(2);
  for (const kvx::Isa path : kvx::available_isas()) {
    const double peak = kvx::peak_gflops(path, threads);
    CHECK(peak > 0);
    CHECK(std::isfinite(peak));
  }
}
