#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/each_tile.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/paths.hpp>
#include <kvx/kernels/simd.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kvx::inline v0::detail {

/// Rows rounded to bf16, [rows, padded_in].
struct RoundedRows {
  const BF16* data;
  Index padded_in;
  RoundedRows rows_from(Index row) const { return {data + row * padded_in, padded_in}; }
};

// Clang accepts these registers only in functions with the target attribute.
#if defined(__x86_64__) && !defined(__clang__)

/// Multiplies kRows rows with kPanels panels with AVX-512 BF16, which adds two products per lane at a time.
template <int kRows, int kPanels>
[[gnu::always_inline]] inline void bf16_tile(const MatmulJob<RoundedRows, BF16>& job, Index row, Index panel) {
  using S = Simd<16>;
  constexpr Index kPanel = PackedMatrix::kPanel;
  const Index padded = job.weights->padded_in();
  const BF16 *const x = job.x.data + row * padded, *const weights = job.weights->panel<BF16>(panel);
  S::Float sum[std::size_t{kRows}][std::size_t{kPanels}] = {};
  for (Index k = 0; k < padded; k += 2) {
    S::Bits pairs[std::size_t{kPanels}];
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) std::memcpy(&pairs[p], weights + (p * padded + k) * kPanel, sizeof pairs[p]);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      std::uint32_t x_pair;
      std::memcpy(&x_pair, x + r * padded + k, sizeof x_pair);
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p)
        asm("vdpbf16ps %2, %1, %0" : "+v"(sum[r][p]) : "v"(pairs[p]), "v"(S::Bits{} + x_pair));
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) job.finish<16>(row + r, (panel + p) * kPanel, sum[r][p]);
}

template <class Path>
[[gnu::always_inline]] inline void multiply_panels(const MatmulJob<RoundedRows, BF16>& job) {
  each_panel_tile<Path::tile_panels>(
      job.first_panel,
      job.last_panel, [&]<int panels>(std::integral_constant<int, panels>, Index panel) __attribute__((always_inline)) {
        each_tile<Path::tile_rows>(
            job.rows, [&]<int rows>(std::integral_constant<int, rows>, Index row)
                          __attribute__((always_inline)) { bf16_tile<rows, panels>(job, row, panel); });
      });
}

#endif

}  // namespace kvx::inline v0::detail
