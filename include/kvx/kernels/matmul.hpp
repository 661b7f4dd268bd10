#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/scratch.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/convert_rows.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/matmul_bf16.hpp>
#include <kvx/kernels/matmul_int8.hpp>
#include <kvx/kernels/matmul_tile.hpp>
#include <kvx/kernels/packed_matrix.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kvx::inline v0 {

namespace detail {

// A path's lanes and tile fill its register file. All are templates, so that a program of many units can instantiate
// them in one.
template <class T>
void matmul_portable(const MatmulJob<FloatRows>& job) {
  matmul_job<4, 3, 1, T>(job);
}
template <class Rows>
void int8_portable(const MatmulJob<Rows>& job) {
  int8_job<PlainDot<4>, 2, 1>(job);
}
inline void quantize_portable(const float* row, Index in, Index groups, std::int8_t* to, float* scale,
                              std::int32_t* offset) {
  quantize_row<4>(row, in, groups, to, scale, offset);
}
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2,fma")]] void matmul_avx2(const MatmulJob<FloatRows>& job) {
  matmul_job<8, 3, 2, T>(job);
}
template <class Rows>
[[gnu::target("avx2,fma")]] void int8_avx2(const MatmulJob<Rows>& job) {
  int8_job<WordDot<8>, 2, 1>(job);
}
[[gnu::target("avx2,fma")]] inline void quantize_avx2(const float* row, Index in, Index groups, std::int8_t* to,
                                                      float* scale, std::int32_t* offset) {
  quantize_row<8>(row, in, groups, to, scale, offset);
}
template <class T>
[[gnu::target("avx512f,avx512bw,avx512vl,fma")]] void matmul_avx512(const MatmulJob<FloatRows>& job) {
  matmul_job<16, 6, 4, T>(job);
}
template <class Rows>
[[gnu::target("avx512f,avx512bw,avx512vl,fma")]] void int8_avx512(const MatmulJob<Rows>& job) {
  int8_job<WordDot<16>, 4, 2>(job);
}
template <class Rows>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512vnni,fma")]] void int8_avx512vnni(const MatmulJob<Rows>& job) {
  int8_job<VnniDot, 4, 3>(job);
}
[[gnu::target("avx512f,avx512bw,avx512vl,fma")]] inline void quantize_avx512(const float* row, Index in, Index groups,
                                                                             std::int8_t* to, float* scale,
                                                                             std::int32_t* offset) {
  quantize_row<16>(row, in, groups, to, scale, offset);
}
[[gnu::target("avx512f,avx512bw,avx512vl,fma")]] inline void round_avx512(const float* row, Index in, Index padded,
                                                                          BF16* to) {
  round_row<16>(row, in, padded, to);
}
#if !defined(__clang__)  // as for VnniDot
template <class Rows>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16,fma")]] void matmul_avx512bf16(const MatmulJob<Rows>& job) {
  bf16_job<6, 4>(job);
}
#endif
#endif

inline void multiply(Isa path, const MatmulJob<FloatRows>& job) {
  const bool bf16 = job.weights->format() == WeightFormat::bf16;
#if defined(__x86_64__)
  if (path >= Isa::avx512) return bf16 ? matmul_avx512<BF16>(job) : matmul_avx512<float>(job);
  if (path == Isa::avx2) return bf16 ? matmul_avx2<BF16>(job) : matmul_avx2<float>(job);
#endif
  bf16 ? matmul_portable<BF16>(job) : matmul_portable<float>(job);
}

inline void multiply(Isa path, const MatmulJob<Int8Rows>& job) {
#if defined(__x86_64__)
  if (path >= Isa::avx512) return __builtin_cpu_supports("avx512vnni") ? int8_avx512vnni(job) : int8_avx512(job);
  if (path == Isa::avx2) return int8_avx2(job);
#endif
  int8_portable(job);
}

#if defined(__x86_64__)
inline void multiply([[maybe_unused]] Isa path, const MatmulJob<RoundedRows>& job) {
#if !defined(__clang__)
  if (path == Isa::avx512bf16) return matmul_avx512bf16(job);
#endif
  amx_job<AmxTiles>(job);
}
#endif

inline void quantize(Isa path, const float* row, Index in, Index groups, std::int8_t* to, float* scale,
                     std::int32_t* offset) {
#if defined(__x86_64__)
  if (path >= Isa::avx512) return quantize_avx512(row, in, groups, to, scale, offset);
  if (path == Isa::avx2) return quantize_avx2(row, in, groups, to, scale, offset);
#endif
  quantize_portable(row, in, groups, to, scale, offset);
}

/// A product whose rows are in a kernel's form, its panels shared out to threads.
template <class Rows>
void multiply(Isa path, const Rows& rows, MatrixView<const float> x, const PackedMatrix& weights,
              std::span<const float> bias, MatrixView<float> y, Threads& threads) {
  constexpr Index kWorthAThread = 1 << 17;  // multiplications
  constexpr Index kTogether = 4;            // panels, so that a thread's share is whole tiles
  const Index per_share = std::max<Index>(1, x.rows() * weights.in() * PackedMatrix::kPanel * kTogether);
  const Index shares = (weights.panels() + kTogether - 1) / kTogether;
  threads.parallel_for(shares, kWorthAThread / per_share + 1, [&](Index first, Index last) {
    multiply(path, MatmulJob<Rows>{&weights, bias.empty() ? nullptr : bias.data(), rows, x.rows(), y.data(),
                                   y.outerStride(), first * kTogether, std::min(last * kTogether, weights.panels())});
  });
}

}  // namespace detail

/// y = x W^T + bias: x [rows, in], W [out, in], bias [out] or empty, y [rows, out]. Each element of y is summed over
/// `in` from 0 upwards in one chain, at every number of rows and threads. For int8 weights the rows are rounded to int8
/// with a scale for each 64 inputs.
inline void matmul(MatrixView<const float> x, const PackedMatrix& weights, std::span<const float> bias,
                   MatrixView<float> y, Threads& threads, Isa path = isa()) {
  constexpr Index kRowsWorthAThread = 8;
  const Index rows = x.rows(), padded = weights.padded_in();
  if (rows == 0) return;
  if (weights.format() == WeightFormat::int8) {
    const Index groups = weights.groups();
    auto* const bytes = detail::scratch<detail::Int8Rows, std::int8_t>(static_cast<std::size_t>(rows * padded));
    auto* const scales = detail::scratch<detail::Int8Rows, float>(static_cast<std::size_t>(rows * groups));
    auto* const offsets = detail::scratch<detail::Int8Rows, std::int32_t>(static_cast<std::size_t>(rows * groups));
    threads.parallel_for(rows, kRowsWorthAThread, [&](Index first, Index last) {
      for (Index r = first; r < last; ++r)
        detail::quantize(path, x.row(r).data(), x.cols(), groups, bytes + r * padded, scales + r * groups,
                         offsets + r * groups);
    });
    return detail::multiply(path, detail::Int8Rows{bytes, scales, offsets}, x, weights, bias, y, threads);
  }
#if defined(__x86_64__)
  if (weights.format() == WeightFormat::bf16 && path >= Isa::avx512bf16) {
    const Index whole = (rows + 15) / 16 * 16;  // AMX reads whole tiles; what it makes of the rest is not stored
    auto* const rounded = detail::scratch<detail::RoundedRows, BF16>(static_cast<std::size_t>(whole * padded));
    threads.parallel_for(rows, kRowsWorthAThread, [&](Index first, Index last) {
      for (Index r = first; r < last; ++r)
        detail::round_avx512(x.row(r).data(), x.cols(), padded, rounded + r * padded);
    });
    return detail::multiply(path, detail::RoundedRows{rounded}, x, weights, bias, y, threads);
  }
#endif
  detail::multiply(path, detail::FloatRows{x.data(), x.outerStride()}, x, weights, bias, y, threads);
}

}  // namespace kvx::inline v0
