#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/amx_tiles.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace kvx::inline v0::detail {

/// Rows rounded to bf16 in AMX's tiles: [rows / 16, padded_in / 32, 16, 32]. The last tile is padded to 16 rows.
struct RoundedTiles {
  BF16* data;
  Index padded_in;
  /// `row` is a multiple of 16.
  RoundedTiles rows_from(Index row) const { return {data + row * padded_in, padded_in}; }
  BF16* row(Index r) const { return data + r / kAmxRows * kAmxRows * padded_in + r % kAmxRows * kAmxInputs; }
};

/// Writes the sums of a tile of 16 rows and a panel.
template <int kTile, class Tiles>
[[gnu::always_inline]] inline void finish_amx_tile(Tiles& tiles, const MatmulJob<RoundedTiles, BF16>& job, Index row,
                                                   Index output) {
  constexpr Index kPanel = PackedMatrix::kPanel;
  alignas(64) float sums[kAmxRows * kPanel];
  tiles.template store<kTile>(sums, kPanel * static_cast<Index>(sizeof(float)));
  for (Index r = 0; r < std::min(kAmxRows, job.rows - row); ++r) {
    Simd<16>::Float sum;
    Simd<16>::load(sums + r * kPanel, sum);
    job.template finish<16>(row + r, output, sum);
  }
}

/// Multiplies two tiles of 16 rows with two panels, or fewer if the job has no more.
template <class Tiles>
[[gnu::always_inline]] inline void multiply_amx_tiles(Tiles& tiles, const MatmulJob<RoundedTiles, BF16>& job, Index row,
                                                      Index panel) {
  constexpr Index kPanel = PackedMatrix::kPanel, kBytes = kAmxRows * static_cast<Index>(sizeof(float)),
                  kAhead = 4 * kAmxTile;
  const Index padded = job.weights->padded_in(), output = panel * kPanel;
  const bool two_rows = job.rows - row > kAmxRows, two_panels = job.last_panel - panel > 1;
  const BF16 *const x = job.x.data + row * padded, *const weights = job.weights->panel<BF16>(panel);
  tiles.template zero<0>();
  tiles.template zero<1>();
  tiles.template zero<2>();
  tiles.template zero<3>();
  for (Index k = 0; k < padded; k += kAmxInputs) {
    const BF16 *const x_tile = x + k * kAmxRows, *const weight_tile = weights + k * kPanel;
    if (row == 0)  // the weights come from memory: the CPU's own prefetch stops at the end of each page
      for (Index line = 0; line < kAmxTile; line += 32) {
        __builtin_prefetch(weight_tile + kAhead + line);
        if (two_panels) __builtin_prefetch(weight_tile + padded * kPanel + kAhead + line);
      }
    tiles.template load<4>(x_tile, kBytes);
    tiles.template load<6>(weight_tile, kBytes);
    tiles.template multiply<0, 4, 6>();
    if (two_panels) {
      tiles.template load<7>(weight_tile + padded * kPanel, kBytes);
      tiles.template multiply<1, 4, 7>();
    }
    if (two_rows) {
      tiles.template load<5>(x_tile + kAmxRows * padded, kBytes);
      tiles.template multiply<2, 5, 6>();
      if (two_panels) tiles.template multiply<3, 5, 7>();
    }
  }
  finish_amx_tile<0>(tiles, job, row, output);
  if (two_rows) finish_amx_tile<2>(tiles, job, row + kAmxRows, output);
  if (!two_panels) return;
  finish_amx_tile<1>(tiles, job, row, output + kPanel);
  if (two_rows) finish_amx_tile<3>(tiles, job, row + kAmxRows, output + kPanel);
}

/// Multiplies with AMX, which adds 16 x 16 x 32 products at a time. The sums of a row do not depend on the other rows.
template <class Tiles>
[[gnu::always_inline]] inline void multiply_amx_panels(const MatmulJob<RoundedTiles, BF16>& job) {
  Tiles tiles;
  for (Index panel = job.first_panel; panel < job.last_panel; panel += 2)
    for (Index row = 0; row < job.rows; row += 2 * kAmxRows) multiply_amx_tiles(tiles, job, row, panel);
}

#if defined(__x86_64__)
template <class Path>
[[gnu::always_inline]] inline void multiply_panels(const MatmulJob<RoundedTiles, BF16>& job) {
  multiply_amx_panels<AmxTiles>(job);
}
#endif

}  // namespace kvx::inline v0::detail
