#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cstdint>

namespace kvx::inline v0::detail {

/// The size of a tile of bf16. A left factor is [16, 32]. A right factor is [32, 16], stored as [16, 16, 2]: pairs of
/// inputs are adjacent. Sums are [16, 16] floats.
inline constexpr Index kAmxRows = 16, kAmxInputs = 32, kAmxTile = kAmxRows * kAmxInputs;

#if defined(__x86_64__)

/// The operations on AMX's tile registers that kernels need. The registers are configured as long as the object exists.
struct AmxTiles {
  AmxTiles() {
    struct alignas(64) Config {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } const config;
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~AmxTiles() { asm volatile("tilerelease"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  template <int kTile>
  [[gnu::always_inline]] void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  template <int kTile>
  [[gnu::always_inline]] void load(const void* from, Index stride) {
    asm volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(kTile), "r"(from), "r"(stride) : "memory");
  }
  /// Adds the product of the bf16 tiles kA and kB to the tile kSum.
  template <int kSum, int kA, int kB>
  [[gnu::always_inline]] void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kA), "i"(kB));
  }
  template <int kTile>
  [[gnu::always_inline]] void store(float* to, Index stride) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(kTile), "r"(to), "r"(stride) : "memory");
  }
};

#endif

}  // namespace kvx::inline v0::detail
