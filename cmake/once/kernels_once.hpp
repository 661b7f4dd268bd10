#pragma once

// The kernels' code for every instruction set is generated once, in kernels.cpp, and not in each program and each test
// of this project.
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/attend_quantized.hpp>
#include <kvx/kernels/matmul.hpp>

#ifndef KVX_ONCE
#define KVX_ONCE extern
#endif

#define KVX_MATMUL(path, T) KVX_ONCE template void kvx::v0::detail::matmul_##path<T>(const MatmulJob<FloatRows>&);
#define KVX_INT8(path) KVX_ONCE template void kvx::v0::detail::int8_##path(const MatmulJob<Int8Rows>&);
#define KVX_ATTEND(path, received, T) \
  KVX_ONCE template void kvx::v0::detail::attend_##path<received, T>(const AttentionJob<T>&);
#define KVX_KERNELS(path)                                    \
  KVX_MATMUL(path, float)                                    \
  KVX_MATMUL(path, kvx::BF16)                                \
  KVX_INT8(path)                                             \
  KVX_ATTEND(path, false, float)                             \
  KVX_ATTEND(path, true, float)                              \
  KVX_ATTEND(path, false, kvx::BF16)                         \
  KVX_ATTEND(path, true, kvx::BF16)                          \
  KVX_ATTEND(path, false, kvx::v0::detail::Quantized<float>) \
  KVX_ATTEND(path, false, kvx::v0::detail::Quantized<kvx::BF16>)

KVX_KERNELS(portable)
#if defined(__x86_64__)
KVX_KERNELS(avx2)
KVX_KERNELS(avx512)
KVX_INT8(avx512vnni)
#if !defined(__clang__)
KVX_ONCE template void kvx::v0::detail::matmul_avx512bf16(const MatmulJob<RoundedRows>&);
#endif
#endif

#undef KVX_MATMUL
#undef KVX_INT8
#undef KVX_ATTEND
#undef KVX_KERNELS
#undef KVX_ONCE
