#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

namespace kvx::inline v0 {

/// The smaller of two cells' numbers of contexts. A cell with 0 has no answers, and so no results to warn about; then
/// the other number is returned.
inline std::size_t fewest_contexts(std::size_t a, std::size_t b) { return a == 0 || b == 0 ? a + b : std::min(a, b); }

/// A warning about results from few contexts; empty if there are enough. Contexts are the units of intervals and p.
inline std::string context_note(std::size_t contexts) {
  constexpr std::size_t kEnough = 10;
  if (contexts >= kEnough) return {};
  if (contexts < 2) return "fewer than 2 contexts: there is no interval and no p";
  return "fewer than 10 contexts: intervals are wide, and a p below 0.05 needs at least 6 contexts";
}

}  // namespace kvx::inline v0
