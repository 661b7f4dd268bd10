#define KVX_ONCE
#include "schemas_once.hpp"
