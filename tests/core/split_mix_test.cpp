#include <kvx/core/split_mix.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

TEST_CASE("SplitMix64 gives its published sequence, and skip leaves out numbers") {
  kvx::SplitMix64 random(0);
  CHECK(random.next() == 0xe220a8397b1dcdaf);
  CHECK(random.next() == 0x6e789e6aa1b965f4);
  CHECK(random.next() == 0x06c45d188009454f);
  kvx::SplitMix64 other(0);
  other.skip(2);
  CHECK(other.next() == 0x06c45d188009454f);
}

TEST_CASE("uniform is the top 53 bits of the next number, as a fraction") {
  kvx::SplitMix64 random(0);
  CHECK(random.uniform() == std::ldexp(static_cast<double>(0xe220a8397b1dcdaf >> 11), -53));
}

TEST_CASE("uniform fills [0, 1) evenly") {
  kvx::SplitMix64 random(1);
  constexpr int kDraws = 100'000;
  double sum = 0, lowest = 1, highest = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.uniform();
    sum += x;
    lowest = std::min(lowest, x);
    highest = std::max(highest, x);
  }
  CHECK(lowest >= 0);
  CHECK(lowest < 1e-3);
  CHECK(highest < 1);
  CHECK(highest > 0.999);
  CHECK(std::abs(sum / kDraws - 0.5) < 0.005);
}
