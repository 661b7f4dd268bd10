#include "kernel_jobs.hpp"
#include "kernels_once.hpp"

KVX_JOBS(template, PortablePath)
