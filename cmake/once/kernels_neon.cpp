#include "kernel_jobs.hpp"
#include "kernels_once.hpp"

#if defined(__aarch64__)
KVX_JOBS(template, NeonPath)
#endif
