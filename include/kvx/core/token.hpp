#pragma once

#include <cstdint>

namespace kvx::inline v0 {

/// The id of a token in a model's vocabulary.
using Token = std::int32_t;

}  // namespace kvx::inline v0
