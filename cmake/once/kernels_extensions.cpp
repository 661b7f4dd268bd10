#include "kernel_jobs.hpp"
#include "kernels_once.hpp"

#if defined(__x86_64__) && !defined(__clang__)
KVX_EXTENSION_JOBS(template)
#endif
