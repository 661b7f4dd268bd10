#pragma once

#include <kvx/press/policy.hpp>

#include <algorithm>
#include <vector>

namespace kvx::inline v0::detail {

/// The mean of each chunk of `length` scores [1, tokens]; the last chunk may be shorter.
inline std::vector<float> chunk_means(const Matrix<float>& scores, Index length) {
  std::vector<float> means;
  for (Index first = 0; first < scores.cols(); first += length) {
    // In double, so that chunks whose scores are all the same have equal means whatever their lengths are.
    const auto chunk = scores.middleCols(first, std::min(length, scores.cols() - first)).cast<double>();
    means.push_back(static_cast<float>(chunk.sum() / static_cast<double>(chunk.size())));
  }
  return means;
}

}  // namespace kvx::inline v0::detail
