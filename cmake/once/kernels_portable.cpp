#include "kernels_once.hpp"

#include "kernel_jobs.hpp"  // again, since kernels_once.hpp undefines its macros

KVX_JOBS(template, PortablePath)
