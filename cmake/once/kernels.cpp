#define KVX_ONCE
#include "kernels_once.hpp"
