#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/convert_rows.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/matmul_amx.hpp>
#include <kvx/kernels/matmul_bf16.hpp>
#include <kvx/kernels/matmul_int8.hpp>
#include <kvx/kernels/matmul_job.hpp>
#include <kvx/kernels/matmul_tile.hpp>
#include <kvx/kernels/matmul_widened.hpp>
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/paths.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kvx::inline v0 {

namespace detail {

template <class Weight>
void multiply(Isa path, const MatmulJob<StridedFloatRows, Weight>& job) {
  run_on(path, job);
}

inline void multiply(Isa path, const MatmulJob<FloatTiles, BF16>& job) { run_on(path, job); }

inline void multiply(Isa path, const MatmulJob<Int8Rows, std::uint8_t>& job) {
#if defined(__x86_64__)
  if (path != Isa::portable && path != Isa::avx2 && __builtin_cpu_supports("avx512vnni"))
    return Avx512VnniPath::run(job);
#endif
  run_on(path, job);
}

#if defined(__x86_64__)
inline void multiply(Isa, const MatmulJob<RoundedTiles, BF16>& job) { AmxPath::run(job); }
#if !defined(__clang__)
inline void multiply(Isa, const MatmulJob<RoundedRows, BF16>& job) { Avx512Bf16Path::run(job); }
#endif
#endif

/// The number of rows of `row_bytes` bytes that fit in the second-level cache and are complete tiles on every path.
inline Index cached_rows(std::size_t row_bytes) {
  constexpr Index kCacheBytes = Index{1} << 20, kTileRows = 96;
  const Index fitting = kCacheBytes / std::max<Index>(1, static_cast<Index>(row_bytes));  // rows may have no bytes
  return std::max<Index>(1, fitting / kTileRows) * kTileRows;
}

/// Multiplies rows that are already in a kernel's form: `block` rows at a time, with the panels divided among threads.
template <class Weight, class Rows>
void multiply(Isa path, const Rows& x, Index block, const PackedMatrix& weights, std::span<const float> bias,
              MatrixView<float> y, Threads& threads) {
  constexpr Index kLeastProducts = 1 << 17;  // per thread, so that starting it is worth the time
  constexpr Index kPartPanels = 4;           // so that a part consists of complete tiles
  const Index parts = (weights.panels() + kPartPanels - 1) / kPartPanels;
  for (Index first_row = 0; first_row < y.rows(); first_row += block) {
    const Index rows = std::min(block, y.rows() - first_row);
    const Index part_products = std::max<Index>(1, rows * weights.in() * PackedMatrix::kPanel * kPartPanels);
    threads.parallel_for(parts, kLeastProducts / part_products + 1, [&](Index first, Index last) {
      multiply(path, MatmulJob<Rows, Weight>{&weights, bias.empty() ? nullptr : bias.data(), x.rows_from(first_row),
                                             rows, y.data() + first_row * y.outerStride(), y.outerStride(),
                                             first * kPartPanels, std::min(last * kPartPanels, weights.panels())});
    });
  }
}

}  // namespace detail

/// y = x W^T + bias, with x [rows, in], W [out, in], bias [out] or empty, y [rows, out]. Each element of y sums the
/// inputs in ascending order, in one chain of additions, for any number of rows and threads. For int8 weights, rows are
/// rounded to int8 with a scale for each 64 inputs. For bf16 weights, paths with rounds_rows() round them to bf16.
inline void matmul(MatrixView<const float> x, const PackedMatrix& weights, std::span<const float> bias,
                   MatrixView<float> y, Threads& threads, Isa path = isa()) {
  constexpr Index kRowsPerThread = 8;  // at least
  const Index rows = x.rows(), padded = weights.padded_in();
  if (rows == 0) return;
  const auto each_row = [&](auto&& body) {
    threads.parallel_for(rows, kRowsPerThread, [&](Index first, Index last) {
      for (Index r = first; r < last; ++r) body(r);
    });
  };
  const auto multiply = [&]<class Weight>(const auto& rows_of_x, Index block, Weight) {
    detail::multiply<Weight>(path, rows_of_x, block, weights, bias, y, threads);
  };
  const auto count = static_cast<std::size_t>(rows * padded);
  if (weights.format() == WeightFormat::int8) {
    const Index groups = weights.groups();
    const auto all_groups = static_cast<std::size_t>(rows * groups);
    auto* const bytes = detail::scratch<detail::Int8Rows, std::int8_t>(count);
    auto* const scales = detail::scratch<detail::Int8Rows, float>(all_groups);
    auto* const offsets = detail::scratch<detail::Int8Rows, std::int32_t>(all_groups);
    each_row([&](Index r) {
      detail::run_on(path, detail::QuantizeJob{x.row(r).data(), x.cols(), groups, bytes + r * padded,
                                               scales + r * groups, offsets + r * groups});
    });
    return multiply(detail::Int8Rows{bytes, scales, offsets, groups},
                    detail::cached_rows(static_cast<std::size_t>(padded)), std::uint8_t());
  }
#if defined(__x86_64__)
  const Index rounded_rows = detail::cached_rows(static_cast<std::size_t>(padded) * sizeof(BF16));
  if (weights.format() == WeightFormat::bf16 && path == Isa::amx) {
    const auto tile_rows =
        static_cast<std::size_t>((rows + detail::kAmxRows - 1) / detail::kAmxRows * detail::kAmxRows);
    const detail::RoundedTiles tiles{
        detail::scratch<detail::RoundedTiles, BF16>(tile_rows * static_cast<std::size_t>(padded)), padded};
    each_row([&](Index r) {
      detail::run_on(path, detail::RoundJob{x.row(r).data(), x.cols(), padded, tiles.row(r), detail::kAmxTile});
    });
    return multiply(tiles, rounded_rows, BF16());
  }
#if !defined(__clang__)
  if (weights.format() == WeightFormat::bf16 && path == Isa::avx512bf16) {
    auto* const rounded = detail::scratch<detail::RoundedRows, BF16>(count);
    each_row([&](Index r) {
      detail::run_on(path, detail::RoundJob{x.row(r).data(), x.cols(), padded, rounded + r * padded, 32});
    });
    return multiply(detail::RoundedRows{rounded, padded}, rounded_rows, BF16());
  }
#endif
#endif
  if (weights.format() == WeightFormat::bf16 && rows >= detail::kManyRows) {
    constexpr Index kTile = detail::kWideRows, kMaxRows = 336;  // at a time, for a second-level cache of 1 MB
    const auto whole_tiles = [](Index wanted) { return (wanted + kTile - 1) / kTile * kTile; };
    const detail::FloatTiles tiles{
        detail::scratch<detail::FloatTiles, float>(static_cast<std::size_t>(whole_tiles(rows) * x.cols())), x.cols()};
    threads.parallel_for(whole_tiles(rows) / kTile, 1, [&](Index first, Index last) {
      detail::run_on(path,
                     detail::TileJob{x.data(), x.outerStride(), first * kTile, std::min(rows, last * kTile), tiles});
    });
    const Index blocks = (rows + kMaxRows - 1) / kMaxRows;
    return multiply(tiles, whole_tiles((rows + blocks - 1) / blocks), BF16());
  }
  const detail::StridedFloatRows floats{x.data(), x.outerStride()};
  const Index float_rows = detail::cached_rows(static_cast<std::size_t>(x.cols()) * sizeof(float));
  if (weights.format() == WeightFormat::f32) return multiply(floats, float_rows, float());
  multiply(floats, float_rows, BF16());
}

}  // namespace kvx::inline v0
