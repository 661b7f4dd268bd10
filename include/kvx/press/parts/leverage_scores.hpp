#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/split_mix.hpp>
#include <kvx/kernels/row_kernels.hpp>
#include <kvx/press/parts/cholesky.hpp>
#include <kvx/press/parts/moments.hpp>
#include <kvx/press/parts/standardize.hpp>
#include <kvx/press/policy.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0::detail {

/// Standard normal numbers / sqrt(sketch), [head_dim, sketch], by the method of Box and Muller.
inline Matrix<float> draw_sketch(SplitMix64& random, Index head_dim, Index sketch) {
  Matrix<float> drawn(head_dim, sketch);
  for (float& value : drawn.reshaped<Eigen::RowMajor>()) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()) / static_cast<double>(sketch));
    value = static_cast<float>(radius * std::cos(2 * std::numbers::pi * random.uniform()));
  }
  return drawn;
}

/// The matrices that sketch a layer's keys, [kv_heads] of [head_dim, sketch]: the policy's own, or drawn by its seed,
/// the layer and the head.
template <class P>
std::vector<Matrix<float>> sketches_of(const P& policy, const PressInput& in) {
  std::vector<Matrix<float>> sketches = policy.sketches;
  if (sketches.empty()) {
    SplitMix64 random(SplitMix64(policy.seed.value_or(0)).next() + static_cast<std::uint64_t>(in.layer));
    for (Index h = 0; h < in.kv_heads(); ++h) sketches.push_back(draw_sketch(random, in.head_dim(), policy.sketch));
  }
  bool fit = static_cast<Index>(sketches.size()) == in.kv_heads();
  for (const auto& sketch : sketches) fit = fit && sketch.rows() == in.head_dim() && sketch.cols() > 0;
  if (!fit)
    throw Error(P::name, "sketches: expected " + std::to_string(in.kv_heads()) + " of " +
                             std::to_string(in.head_dim()) + " rows, found " + std::to_string(sketches.size()) +
                             " of " + std::to_string(sketches.front().rows()));
  return sketches;
}

/// How much each key stands out in its head: x^T (X^T X + 0.01 I)^-1 x for its row x of X, the keys without their mean
/// times the head's sketch; standardized. Keys [kv_heads, tokens, head_dim] are those before RoPE.
inline void leverage_scores(TensorView<const float> keys, const std::vector<Matrix<float>>& sketches, Scores out) {
  for (Index h = 0; h < keys.heads(); ++h) {
    const Moments moments(keys.head(h));
    const Matrix<double> sketch = sketches[static_cast<std::size_t>(h)].cast<double>();
    // X^T X by way of the covariance, so that X, which is large, is never formed.
    const Matrix<double> covariance = static_cast<double>(keys.tokens()) * moments.covariance.cast<double>();
    const Matrix<double> half = covariance.lazyProduct(sketch), gram = sketch.transpose().lazyProduct(half);
    Matrix<double> root;
    double jitter = 0.01;
    do {
      root = gram;
      root.diagonal().array() += jitter;
      jitter *= 10;
    } while (!invert_root(root));
    const Matrix<float> whiten = sketch.lazyProduct(root.transpose()).cast<float>();  // [head_dim, sketch]
    Matrix<float> centered, white(1, whiten.cols());
    for (Index j = 0; j < keys.tokens(); ++j) {
      centered = keys.head(h).row(j) - moments.mean;
      white.setZero();
      row_kernels().weighted_sum(centered.data(), view(whiten), white.data());
      out(h, j) = white.squaredNorm();
    }
  }
  standardize(out);
}

}  // namespace kvx::inline v0::detail
