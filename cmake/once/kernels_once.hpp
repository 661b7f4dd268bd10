#pragma once

// The code of the kernels is generated only once, for each path in a separate translation unit (kernels_PATH.cpp), and
// not in each program and each test of this project.
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/attend_quantized.hpp>
#include <kvx/kernels/matmul.hpp>
#include <kvx/kernels/row_kernels.hpp>

#include "kernel_jobs.hpp"

KVX_JOBS(extern template, PortablePath)
#if defined(__aarch64__)
KVX_JOBS(extern template, NeonPath)
#elif defined(__x86_64__)
KVX_JOBS(extern template, Avx2Path)
KVX_JOBS(extern template, Avx512Path)
#if !defined(__clang__)
KVX_EXTENSION_JOBS(extern template)
#endif
#endif

#undef KVX_JOB
#undef KVX_JOBS
#undef KVX_EXTENSION_JOBS
