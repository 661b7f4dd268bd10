#pragma once

#include <cstdint>

namespace kvx::inline v0 {

/// The generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014). A seed gives the
/// same numbers on every platform, which the distributions of the standard library do not guarantee.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Skips the next `count` numbers of next().
  void skip(std::uint64_t count) { state_ += count * 0x9e3779b97f4a7c15; }
  /// A number from a uniform distribution on [0, 1), with 53 random bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace kvx::inline v0
