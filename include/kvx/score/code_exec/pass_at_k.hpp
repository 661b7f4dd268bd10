#pragma once

#include <kvx/core/error.hpp>

#include <cstddef>
#include <string>

namespace kvx::inline v0 {

/// The chance that at least one of `k` answers to a sample is right, estimated without bias from `n` answers of which
/// `right` are right: 1 - C(n - right, k) / C(n, k), as a product that does not overflow. Chen et al., "Evaluating
/// Large Language Models Trained on Code", arXiv:2107.03374. Throws Error unless 1 <= k <= n and right <= n.
inline double pass_at_k(std::size_t n, std::size_t right, std::size_t k) {
  if (k < 1 || k > n)
    throw Error("pass@k",
                "expected k from 1 to " + std::to_string(n) + ", the number of answers, found " + std::to_string(k));
  if (right > n)
    throw Error("pass@k", "expected at most " + std::to_string(n) + " right answers, found " + std::to_string(right));
  if (n - right < k) return 1;
  double all_wrong = 1;
  for (std::size_t i = n - right + 1; i <= n; ++i) all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_wrong;
}

}  // namespace kvx::inline v0
