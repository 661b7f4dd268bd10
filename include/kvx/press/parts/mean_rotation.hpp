#pragma once

#include <kvx/press/policy.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace kvx::inline v0::detail {

/// The mean of RoPE's rotation over the `future` positions that follow the context, times RoPE's factor.
class MeanRotation {
 public:
  MeanRotation(const PressInput& in, int future) {
    for (const float frequency : in.inv_freq) {
      // The mean of exp(i a) over equally spaced angles a, a geometric series in closed form.
      const double step = static_cast<double>(frequency), half = std::sin(step / 2);
      const double factor = static_cast<double>(in.rope_factor),
                   length = factor * (half == 0 ? 1.0 : std::sin(step * future / 2) / (half * future));
      const double middle = step * (static_cast<double>(in.pre_rope_queries.tokens()) + (future - 1) / 2.0);
      cos_.push_back(static_cast<float>(length * std::cos(middle)));
      sin_.push_back(static_cast<float>(length * std::sin(middle)));
    }
  }

  /// Multiplies `row` [head_dim] by the transposed mean rotation. The product of a rotated query with a key is that of
  /// the unrotated query with the key rotated back.
  void rotate_back(float* row) const {
    const std::size_t half = cos_.size();
    for (std::size_t i = 0; i < half; ++i) {
      const float a = row[i], b = row[i + half];
      row[i] = a * cos_[i] + b * sin_[i];
      row[i + half] = b * cos_[i] - a * sin_[i];
    }
  }

 private:
  std::vector<float> cos_, sin_;  // [head_dim / 2]
};

}  // namespace kvx::inline v0::detail
