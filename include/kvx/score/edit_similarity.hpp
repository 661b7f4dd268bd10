#pragma once

#include <kvx/score/common_subsequence.hpp>
#include <kvx/text/code_points.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// 1 minus the number of insertions and deletions that turn one text into the other, divided by the number of
/// characters of both; 1 for two empty texts. Equals rapidfuzz.fuzz.ratio / 100.
inline double edit_similarity(std::string_view a, std::string_view b) {
  const std::u32string left = code_points(a), right = code_points(b);
  const std::size_t total = left.size() + right.size();
  if (total == 0) return 1;
  return 2 * static_cast<double>(common_subsequence_length(left, right)) / static_cast<double>(total);
}

}  // namespace kvx::inline v0
