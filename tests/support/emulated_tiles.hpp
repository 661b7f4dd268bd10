#pragma once

#include <kvx/core/tensor_view.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kvx_test {

/// Emulates AMX's tile registers as Intel's manual defines them: a product sums even and odd inputs separately.
struct EmulatedTiles {
  EmulatedTiles() { std::memset(static_cast<void*>(tiles_.data()), 0xff, sizeof tiles_); }  // NaN

  template <int kTile>
  void zero() {
    tiles_[kTile] = {};
  }
  template <int kTile>
  void load(const void* from, kvx::Index stride) {
    for (std::size_t r = 0; r < 16; ++r)
      std::memcpy(&tiles_[kTile][r], static_cast<const std::byte*>(from) + static_cast<kvx::Index>(r) * stride, 64);
  }
  template <int kSum, int kA, int kB>
  void multiply() {
    static_assert(kSum != kA && kSum != kB && kA != kB);
    for (std::size_t m = 0; m < 16; ++m) {
      std::array<std::array<float, 2>, 16> sums = {};
      for (std::size_t k = 0; k < 16; ++k)
        for (std::size_t n = 0; n < 16; ++n)
          for (std::size_t i = 0; i < 2; ++i) sums[n][i] += half(tiles_[kA][m][k], i) * half(tiles_[kB][k][n], i);
      for (std::size_t n = 0; n < 16; ++n) {
        float sum;
        std::memcpy(&sum, &tiles_[kSum][m][n], sizeof sum);
        sum += sums[n][0] + sums[n][1];
        std::memcpy(&tiles_[kSum][m][n], &sum, sizeof sum);
      }
    }
  }
  template <int kTile>
  void store(float* to, kvx::Index stride) {
    for (std::size_t r = 0; r < 16; ++r)
      std::memcpy(reinterpret_cast<std::byte*>(to) + static_cast<kvx::Index>(r) * stride, &tiles_[kTile][r], 64);
  }

 private:
  static float half(std::uint32_t lane, std::size_t i) {
    const std::uint32_t bits = i == 0 ? lane << 16 : lane & 0xffff0000u;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  std::array<std::array<std::array<std::uint32_t, 16>, 16>, 8> tiles_;
};

}  // namespace kvx_test
