#pragma once

#include <cstddef>

namespace kvx::inline v0 {

/// How long one sequence took that was generated alone, in seconds.
struct GenerationTimes {
  double prefill = 0;      ///< until the context's cache was compressed
  double first_token = 0;  ///< from the start to the first token
  double decode = 0;       ///< from the first token to the last
  std::size_t tokens = 0;  ///< generated, at least two
};

}  // namespace kvx::inline v0
