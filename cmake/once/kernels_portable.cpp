#include "kernels_once.hpp"

#include "kernel_jobs.hpp"  // again, since the one before undefines its macros

KVX_JOBS(template, PortablePath)
