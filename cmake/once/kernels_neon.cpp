#include "kernels_once.hpp"

#include "kernel_jobs.hpp"  // again, since kernels_once.hpp undefines its macros

#if defined(__aarch64__)
KVX_JOBS(template, NeonPath)
#endif
