#pragma once

#include <cstdint>

namespace kvx::inline v0 {

/// A vocabulary id.
using Token = std::int32_t;

}  // namespace kvx::inline v0
