#define KVX_ONCE
#include "once.hpp"
