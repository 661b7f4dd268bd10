#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/matmul_tile.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kvx::inline v0::detail {

/// Rows rounded to bf16, [rows to a multiple of 16, padded_in].
struct RoundedRows {
  const BF16* data;
};

#if defined(__x86_64__) && !defined(__clang__)

/// AVX-512 BF16: a lane adds two products at a time.
template <int kRows, int kPanels>
[[gnu::always_inline]] inline void bf16_tile(const MatmulJob<RoundedRows>& job, Index row, Index panel) {
  using S = Simd<16>;
  constexpr Index kPanel = PackedMatrix::kPanel;
  const Index padded = job.weights->padded_in();
  const BF16 *const x = job.x.data + row * padded, *const weights = job.weights->panel<BF16>(panel);
  S::Float sum[std::size_t{kRows}][std::size_t{kPanels}] = {};
  for (Index k = 0; k < padded; k += 2)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      S::Bits pairs;
      std::memcpy(&pairs, weights + (p * padded + k) * kPanel, sizeof pairs);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        std::uint32_t own;
        std::memcpy(&own, x + r * padded + k, sizeof own);
        asm("vdpbf16ps %2, %1, %0" : "+v"(sum[r][p]) : "v"(pairs), "v"(S::Bits{} + own));
      }
    }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) job.finish<16>(row + r, (panel + p) * kPanel, sum[r][p]);
}

template <int kRows, int kPanels>
[[gnu::always_inline]] inline void bf16_job(const MatmulJob<RoundedRows>& job) {
  each_panel_tile<kPanels>(
      job.first_panel,
      job.last_panel, [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
        each_tile<kRows>(
            job.rows, [&]<int rows>(std::integral_constant<int, rows>, Index row)
                          __attribute__((always_inline)) { bf16_tile<rows, panels>(job, row, panel); });
      });
}

#endif

#if defined(__x86_64__)

/// The tile registers of AMX, each [16, 64 bytes]: what a kernel needs of them.
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

/// Two tiles of 16 rows by two panels; with fewer, the second is the first again.
template <class Tiles>
void amx_tiles(Tiles& tiles, const MatmulJob<RoundedRows>& job, Index row, Index panel) {
  constexpr Index kPanel = PackedMatrix::kPanel, kRows = 16, kInputs = 32;
  constexpr Index kBytes = kRows * static_cast<Index>(sizeof(float));
  const Index padded = job.weights->padded_in();
  const bool two_rows = job.rows - row > kRows, two_panels = job.last_panel - panel > 1;
  const BF16 *const x = job.x.data + row * padded, *const weights = job.weights->panel<BF16>(panel);
  tiles.template zero<0>();
  tiles.template zero<1>();
  tiles.template zero<2>();
  tiles.template zero<3>();
  for (Index k = 0; k < padded; k += kInputs) {
    tiles.template load<4>(x + k, padded * 2);
    tiles.template load<6>(weights + k * kPanel, kBytes);
    tiles.template multiply<0, 4, 6>();
    if (two_panels) {
      tiles.template load<7>(weights + (padded + k) * kPanel, kBytes);
      tiles.template multiply<1, 4, 7>();
    }
    if (two_rows) {
      tiles.template load<5>(x + kRows * padded + k, padded * 2);
      tiles.template multiply<2, 5, 6>();
      if (two_panels) tiles.template multiply<3, 5, 7>();
    }
  }
  std::array<std::array<float, 16 * 16>, 4> sums;
  tiles.template store<0>(sums[0].data(), kBytes);
  tiles.template store<1>(sums[1].data(), kBytes);
  tiles.template store<2>(sums[2].data(), kBytes);
  tiles.template store<3>(sums[3].data(), kBytes);
  for (Index r = 0; r < std::min<Index>(2 * kRows, job.rows - row); ++r)
    for (Index p = 0; p <= Index{two_panels}; ++p) {
      const float* const sum = sums[static_cast<std::size_t>(r / kRows * 2 + p)].data() + r % kRows * kPanel;
      const Index output = (panel + p) * kPanel;
      for (Index o = 0; o < std::min(kPanel, job.weights->out() - output); ++o)
        job.y[(row + r) * job.y_stride + output + o] = sum[o] + (job.bias == nullptr ? 0.0f : job.bias[output + o]);
    }
}

/// AMX: a tile adds 16 x 16 x 32 products at a time. A row's sums are the same whatever rows are beside it.
template <class Tiles>
void amx_job(const MatmulJob<RoundedRows>& job) {
  Tiles tiles;
  for (Index panel = job.first_panel; panel < job.last_panel; panel += 2)
    for (Index row = 0; row < job.rows; row += 32) amx_tiles(tiles, job, row, panel);
}

}  // namespace kvx::inline v0::detail
