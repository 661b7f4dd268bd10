#include <kvx/press/named/policies.hpp>
#include "kernels_once.hpp"
#define KVX_ONCE
#include "presses_once.hpp"
