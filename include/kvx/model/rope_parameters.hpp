#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace kvx::inline v0 {

/// The parameters of RoPE that give its angles. None of the ways to scale them depends on the length of a context.
struct RopeParameters {
  enum class Scaling {
    none,
    linear,  ///< all frequencies are divided by `factor`
    llama3,  ///< low frequencies are divided by `factor`, high ones stay; Grattafiori et al., arXiv:2407.21783
    yarn     ///< the same with other bounds, and a factor for attention; Peng et al., arXiv:2309.00071
  };

  double theta = 1e4;
  Scaling scaling = Scaling::none;
  double factor = 1;
  double original_positions = 0;  ///< of llama3 and yarn: the length of contexts before the model was extended
  /// Of llama3 and yarn: a frequency that makes at least `high_turns` turns over the original context stays, and one
  /// that makes at most `low_turns` is divided by `factor`. In between, a part of it is divided: in llama3 the part is
  /// linear in the turns, in yarn in the frequency's index.
  double high_turns = 0, low_turns = 0;
  bool whole_bounds = true;    ///< whether yarn rounds the indices at which these bounds are
  float attention_factor = 1;  ///< of yarn: multiplies cosines and sines, and therefore queries and keys

  /// The angles per position, [head_dim / 2].
  std::vector<float> inv_freq(Index head_dim) const {
    std::vector<float> scaled = rope_inv_freq(head_dim, theta);
    for (std::size_t i = 0; scaling != Scaling::none && i < scaled.size(); ++i) {
      const auto index = static_cast<double>(i), dim = static_cast<double>(head_dim);
      const double frequency = std::pow(theta, -2 * index / dim), divided = share_divided(frequency, index, dim);
      scaled[i] = static_cast<float>(divided * frequency / factor + (1 - divided) * frequency);
    }
    return scaled;
  }

 private:
  /// The share of frequency `index` that is divided by `factor`, 0 to 1.
  double share_divided(double frequency, double index, double head_dim) const {
    if (scaling == Scaling::linear) return 1;
    if (scaling == Scaling::llama3) {
      const double turns = original_positions * frequency / (2 * std::numbers::pi);
      return 1 - std::clamp((turns - low_turns) / (high_turns - low_turns), 0.0, 1.0);
    }
    const auto index_with = [&](double turns) {
      return head_dim * std::log(original_positions / (2 * std::numbers::pi * turns)) / (2 * std::log(theta));
    };
    double low = index_with(high_turns), high = index_with(low_turns);
    if (whole_bounds) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, head_dim - 1);
    if (low == high) high += 0.001;
    return std::clamp((index - low) / (high - low), 0.0, 1.0);
  }
};

}  // namespace kvx::inline v0
