#include "kernels_once.hpp"

#include "kernel_jobs.hpp"  // again, since the one before undefines its macros

#if defined(__aarch64__)
KVX_JOBS(template, NeonPath)
#endif
