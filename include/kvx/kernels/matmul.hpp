#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/matmul_tile.hpp>
#include <kvx/kernels/packed_matrix.hpp>

#include <algorithm>
#include <span>

namespace kvx::inline v0 {

namespace detail {

// A path's lanes and tile fill its register file.
template <class T>
void matmul_portable(const MatmulJob& job) {
  matmul_job<4, 3, 1, T>(job);
}
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2,fma")]] void matmul_avx2(const MatmulJob& job) {
  matmul_job<8, 3, 2, T>(job);
}
template <class T>
[[gnu::target("avx512f,avx512bw,avx512vl,fma")]] void matmul_avx512(const MatmulJob& job) {
  matmul_job<16, 6, 4, T>(job);
}
#endif

template <class T>
void matmul_on(Isa isa, const MatmulJob& job) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return matmul_avx512<T>(job);
  if (isa == Isa::avx2) return matmul_avx2<T>(job);
#endif
  matmul_portable<T>(job);
}

}  // namespace detail

/// y = x W^T + bias: x [rows, in], W [out, in], bias [out] or empty, y [rows, out]. Each element of y is summed over
/// `in` from 0 upwards in one chain, at every number of rows and threads.
inline void matmul(MatrixView<const float> x, const PackedMatrix& weights, std::span<const float> bias,
                   MatrixView<float> y, Threads& threads, Isa path = isa()) {
  constexpr Index kWorthAThread = 1 << 17;  // multiplications
  const Index per_panel = std::max<Index>(1, x.rows() * weights.in() * PackedMatrix::kPanel);
  threads.parallel_for(weights.panels(), kWorthAThread / per_panel + 1, [&](Index first, Index last) {
    const detail::MatmulJob job{&weights,
                                bias.empty() ? nullptr : bias.data(),
                                x.data(),
                                x.rows(),
                                x.outerStride(),
                                y.data(),
                                y.outerStride(),
                                first,
                                last};
    weights.dtype() == Dtype::bf16 ? detail::matmul_on<BF16>(path, job) : detail::matmul_on<float>(path, job);
  });
}

}  // namespace kvx::inline v0
