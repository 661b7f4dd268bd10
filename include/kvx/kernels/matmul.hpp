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
#include <kvx/kernels/packed_matrix.hpp>
#include <kvx/kernels/paths.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kvx::inline v0 {

namespace detail {

template <class Weight>
void multiply(Isa path, const MatmulJob<FloatRows, Weight>& job) {
  run_on(path, job);
}

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

/// A product whose rows are in a kernel's form, `row_bytes` each: as many rows at a time as stay in the second cache,
/// the panels shared out to threads.
template <class Weight, class Rows>
void multiply(Isa path, const Rows& x, std::size_t row_bytes, const PackedMatrix& weights, std::span<const float> bias,
              MatrixView<float> y, Threads& threads) {
  constexpr Index kWorthAThread = 1 << 17;                // multiplications
  constexpr Index kTogether = 4;                          // panels, so that a thread's share is whole tiles
  constexpr Index kCached = Index{1} << 20, kTiles = 96;  // rows, which are whole tiles on every path
  const Index fitting = kCached / std::max<Index>(1, static_cast<Index>(row_bytes));  // 0 without inputs
  const Index block = std::max<Index>(1, fitting / kTiles) * kTiles;
  const Index shares = (weights.panels() + kTogether - 1) / kTogether;
  for (Index first_row = 0; first_row < y.rows(); first_row += block) {
    const Index rows = std::min(block, y.rows() - first_row);
    const Index per_share = std::max<Index>(1, rows * weights.in() * PackedMatrix::kPanel * kTogether);
    threads.parallel_for(shares, kWorthAThread / per_share + 1, [&](Index first, Index last) {
      multiply(path, MatmulJob<Rows, Weight>{&weights, bias.empty() ? nullptr : bias.data(), x.from(first_row), rows,
                                             y.data() + first_row * y.outerStride(), y.outerStride(), first * kTogether,
                                             std::min(last * kTogether, weights.panels())});
    });
  }
}

}  // namespace detail

/// y = x W^T + bias: x [rows, in], W [out, in], bias [out] or empty, y [rows, out]. Each element of y is summed over
/// `in` from 0 upwards in one chain, at every number of rows and threads. For int8 weights the rows are rounded to int8
/// with a scale for each 64 inputs; for bf16 weights, on paths that do so (rounds_rows()), to bf16.
inline void matmul(MatrixView<const float> x, const PackedMatrix& weights, std::span<const float> bias,
                   MatrixView<float> y, Threads& threads, Isa path = isa()) {
  constexpr Index kRowsWorthAThread = 8;
  const Index rows = x.rows(), padded = weights.padded_in();
  if (rows == 0) return;
  const auto each_row = [&](auto&& body) {
    threads.parallel_for(rows, kRowsWorthAThread, [&](Index first, Index last) {
      for (Index r = first; r < last; ++r) body(r);
    });
  };
  const auto multiply = [&]<class Weight>(const auto& rows_of_x, std::size_t row_bytes, Weight) {
    detail::multiply<Weight>(path, rows_of_x, row_bytes, weights, bias, y, threads);
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
    return multiply(detail::Int8Rows{bytes, scales, offsets, groups}, static_cast<std::size_t>(padded), std::uint8_t());
  }
#if defined(__x86_64__)
  const std::size_t rounded_bytes = static_cast<std::size_t>(padded) * sizeof(BF16);
  if (weights.format() == WeightFormat::bf16 && path == Isa::amx) {
    const auto whole = static_cast<std::size_t>((rows + detail::kAmxRows - 1) / detail::kAmxRows * detail::kAmxRows);
    const detail::RoundedTiles tiles{
        detail::scratch<detail::RoundedTiles, BF16>(whole * static_cast<std::size_t>(padded)), padded};
    each_row([&](Index r) {
      detail::run_on(path, detail::RoundJob{x.row(r).data(), x.cols(), padded, tiles.row(r), detail::kAmxTile});
    });
    return multiply(tiles, rounded_bytes, BF16());
  }
#if !defined(__clang__)
  if (weights.format() == WeightFormat::bf16 && path == Isa::avx512bf16) {
    auto* const rounded = detail::scratch<detail::RoundedRows, BF16>(count);
    each_row([&](Index r) {
      detail::run_on(path, detail::RoundJob{x.row(r).data(), x.cols(), padded, rounded + r * padded, 32});
    });
    return multiply(detail::RoundedRows{rounded, padded}, rounded_bytes, BF16());
  }
#endif
#endif
  const detail::FloatRows floats{x.data(), x.outerStride()};
  const std::size_t float_bytes = static_cast<std::size_t>(x.cols()) * sizeof(float);
  if (weights.format() == WeightFormat::f32) return multiply(floats, float_bytes, float());
  multiply(floats, float_bytes, BF16());
}

}  // namespace kvx::inline v0
