#include "kernel_jobs.hpp"
#include "kernels_once.hpp"

#if defined(__x86_64__)
KVX_JOBS(template, Avx2Path)
#endif
