#pragma once

// The kernels' code for every instruction set is generated once, in kernels_once.cpp, and not in each test that runs a
// model.
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/matmul.hpp>

#ifndef KVX_KERNELS_ONCE
#define KVX_KERNELS_ONCE extern
#endif

#define KVX_MATMUL(path)                                                                  \
  KVX_KERNELS_ONCE template void kvx::v0::detail::matmul_##path<float>(const MatmulJob&); \
  KVX_KERNELS_ONCE template void kvx::v0::detail::matmul_##path<kvx::BF16>(const MatmulJob&);
#define KVX_ATTEND(path)                                                                                           \
  KVX_KERNELS_ONCE template void kvx::v0::detail::attend_##path<false, float>(const AttentionJob<float>&, float*); \
  KVX_KERNELS_ONCE template void kvx::v0::detail::attend_##path<true, float>(const AttentionJob<float>&, float*);  \
  KVX_KERNELS_ONCE template void kvx::v0::detail::attend_##path<false, kvx::BF16>(const AttentionJob<kvx::BF16>&,  \
                                                                                  float*);

KVX_MATMUL(portable)
KVX_ATTEND(portable)
#if defined(__x86_64__)
KVX_MATMUL(avx2)
KVX_ATTEND(avx2)
KVX_MATMUL(avx512)
KVX_ATTEND(avx512)
#endif

#undef KVX_MATMUL
#undef KVX_ATTEND
#undef KVX_KERNELS_ONCE
