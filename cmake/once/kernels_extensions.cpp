#include "kernels_once.hpp"

#include "kernel_jobs.hpp"  // again, since kernels_once.hpp undefines its macros

#if defined(__x86_64__) && !defined(__clang__)
KVX_EXTENSION_JOBS(template)
#endif
