#define KVX_KERNELS_ONCE
#include "support/kernels_once.hpp"
