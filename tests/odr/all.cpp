#include <kvx/kvx.hpp>
