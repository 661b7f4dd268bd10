#pragma once

#include <kvx/core/split_mix.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvx_test {

/// `count` values from a uniform distribution on [-1, 1).
inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  kvx::SplitMix64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

}  // namespace kvx_test
