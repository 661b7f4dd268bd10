#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cstdint>

namespace kvx::inline v0::detail {

/// A tile of bf16: the left factor is [16, 32], the right one [32, 16] as [16, 16, 2], with two inputs side by side.
/// Sums are [16, 16] floats.
inline constexpr Index kAmxRows = 16, kAmxInputs = 32, kAmxTile = kAmxRows * kAmxInputs;

#if defined(__x86_64__)

/// AMX's tile registers, as far as kernels need them.
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
  /// kSum += kA kB, pairs of bf16.
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
