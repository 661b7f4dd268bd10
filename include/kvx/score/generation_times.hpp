#pragma once

#include <cstddef>

namespace kvx::inline v0 {

/// The times, in seconds, of the generation of one sequence while no other was generated.
struct GenerationTimes {
  double prefill = 0;      ///< until the context's cache was compressed
  double first_token = 0;  ///< from the start to the first token
  double decode = 0;       ///< from the first token to the last
  std::size_t tokens = 0;  ///< generated tokens, at least two
};

}  // namespace kvx::inline v0
