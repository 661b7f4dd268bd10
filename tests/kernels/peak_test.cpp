#include <kvx/kernels/peak.hpp>

#include <doctest/doctest.h>

#include <cmath>

TEST_CASE("run_peak executes all multiply-adds of every chain") {
  // 12 chains begin at 0, 1, 2, ... A round replaces each sum with sum / 2 + 1, or with sum + 1 + 1 for bf16 products.
  for (const kvx::Isa path : kvx::available_isas()) {
    if (path == kvx::Isa::amx) continue;
    const bool bf16 = path == kvx::Isa::avx512bf16;
    const auto run = [&](kvx::Index rounds) { return kvx::detail::run_peak(path, rounds); };
    CHECK(run(0) == 66);
    CHECK(run(1) == (bf16 ? 66 + 24 : 66 / 2 + 12));
    CHECK(run(100) == (bf16 ? 66 + 2400 : 24));
  }
}

TEST_CASE("peak_gflops measures each path that the CPU can run") {
  kvx::Threads threads(2);
  for (const kvx::Isa path : kvx::available_isas()) {
    const double peak = kvx::peak_gflops(path, threads);
    CHECK(peak > 0);
    CHECK(std::isfinite(peak));
  }
}
