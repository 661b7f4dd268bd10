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

/// Draws a random projection, [head_dim, sketch]: standard normal numbers (Box-Muller transform) / sqrt(sketch).
inline Matrix<float> draw_sketch(SplitMix64& random, Index head_dim, Index sketch) {
  Matrix<float> drawn(head_dim, sketch);
  for (float& value : drawn.reshaped<Eigen::RowMajor>()) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()) / static_cast<double>(sketch));
    value = static_cast<float>(radius * std::cos(2 * std::numbers::pi * random.uniform()));
  }
  return drawn;
}

/// The random projections of a layer's keys, [kv_heads] of [head_dim, sketch]: `policy.sketches`, or, if it is empty,
/// drawn from the policy's seed, the layer and the head.
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

/// The leverage of each key in its head: x^T (X^T X + 0.01 I)^-1 x for its row x of X, where X are the keys, minus
/// their mean, times the head's projection. Then standardized over the layer. `keys`, [kv_heads, tokens, head_dim], are
/// those before RoPE.
inline void leverage_scores(TensorView<const float> keys, const std::vector<Matrix<float>>& sketches, Scores out) {
  for (Index h = 0; h < keys.heads(); ++h) {
    const Moments moments(keys.head(h));
    const Matrix<double> sketch = sketches[static_cast<std::size_t>(h)].cast<double>();
    // X^T X is computed from the covariance of the keys, so that X, which is large, is never formed.
    const Matrix<double> covariance = static_cast<double>(keys.tokens()) * moments.covariance.cast<double>();
    const Matrix<double> product = covariance.lazyProduct(sketch), gram = sketch.transpose().lazyProduct(product);
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
