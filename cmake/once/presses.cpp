#define KVX_ONCE
#include "presses_once.hpp"
