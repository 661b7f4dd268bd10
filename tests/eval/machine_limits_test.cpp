#include <kvx/eval/speed/machine_limits.hpp>

#include <doctest/doctest.h>

using namespace kvx;

TEST_CASE("limits are the best of all measurements, and the lowest are kept, too") {
  MachineLimits limits;
  limits.add({.read = {5, 5}, .peaks = {{Isa::portable, {10, 10}}, {Isa::avx2, {20, 20}}}});
  limits.add({.read = {7, 6}, .peaks = {{Isa::portable, {9, 8}}, {Isa::avx2, {25, 21}}}});
  CHECK(limits.read.best == 7);
  CHECK(limits.read.least == 5);
  REQUIRE(limits.peaks.size() == 2);
  CHECK(limits.peaks[0].second.best == 10);
  CHECK(limits.peaks[0].second.least == 8);
  CHECK(limits.peaks[1].second.best == 25);
  CHECK(limits.peaks[1].second.least == 20);
}

TEST_CASE("a path's peak is that of its own instructions or of an older path's") {
  MachineLimits limits;
  limits.peaks = {{Isa::portable, {1, 1}}, {Isa::avx2, {5, 5}}, {Isa::avx512, {4, 4}}, {Isa::amx, {9, 9}}};
  CHECK(limits.peak(Isa::portable) == 1);
  CHECK(limits.peak(Isa::avx2) == 5);
  CHECK(limits.peak(Isa::avx512) == 5);
  CHECK(limits.peak(Isa::amx) == 9);
}

TEST_CASE("a measurement has a read bandwidth, and a peak for each path that the CPU can run") {
  Threads threads(2);
  MachineLimits limits;
  limits.measure(threads, 1);
  CHECK(limits.read.best > 0);
  CHECK(limits.read.best == limits.read.least);
  REQUIRE(limits.peaks.size() == available_isas().size());
  for (const auto& [path, peak] : limits.peaks) CHECK(peak.best > 0);
}
