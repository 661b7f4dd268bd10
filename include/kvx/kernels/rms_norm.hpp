#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cmath>
#include <cstddef>
#include <span>

namespace kvx::inline v0 {

/// to[i] = from[i] / rms(from) * weight[i], rms(x) = sqrt(mean(x^2) + eps). Zhang and Sennrich, arXiv:1910.07467.
inline void rms_norm(std::span<const float> weight, const float* from, double eps, float* to) {
  double squares = 0;
  for (std::size_t i = 0; i < weight.size(); ++i)
    squares += static_cast<double>(from[i]) * static_cast<double>(from[i]);
  const auto scale = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(weight.size()) + eps));
  for (std::size_t i = 0; i < weight.size(); ++i) to[i] = from[i] * scale * weight[i];
}

}  // namespace kvx::inline v0
