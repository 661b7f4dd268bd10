#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>

namespace kvx::inline v0::detail {

/// scores[j] = scale * q . keys[j] for `rows` keys of `head_dim` channels. Each dot product sums the lanes of one
/// register in the order of their index, after adding up the channels register by register.
template <int kLanes, class T>
[[gnu::always_inline]] inline void dot_rows(const float* q, const T* keys, Index rows, Index head_dim, Index stride,
                                            float scale, float* scores) {
  using S = Simd<kLanes>;
  for (Index j = 0; j < rows; ++j) {
    const T* key = keys + j * stride;
    typename S::Float sum = {}, a, b;
    Index d = 0;
    for (; d + kLanes <= head_dim; d += kLanes) {
      S::load(q + d, a);
      S::load(key + d, b);
      sum += a * b;
    }
    if (d < head_dim) {
      load_part<kLanes>(q + d, head_dim - d, a);
      load_part<kLanes>(key + d, head_dim - d, b);
      sum += a * b;
    }
    float lanes[std::size_t{kLanes}];
    S::store(sum, lanes);
    for (int half = kLanes / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    scores[j] = scale * lanes[0];
  }
}

/// Softmax of `scores` [rows] in place.
template <int kLanes>
[[gnu::always_inline]] inline void softmax(float* scores, Index rows) {
  using S = Simd<kLanes>;
  float highest = scores[0];
  for (Index j = 1; j < rows; ++j) highest = std::max(highest, scores[j]);
  double total = 0;
  for (Index j = 0; j < rows; j += kLanes) {
    const Index count = std::min<Index>(kLanes, rows - j);
    typename S::Float x;
    load_part<kLanes>(scores + j, count, x);
    x -= highest;
    S::exp(x);
    store_part<kLanes>(x, count, scores + j);
    for (Index i = 0; i < count; ++i) total += static_cast<double>(scores[j + i]);
  }
  const float scale = static_cast<float>(1 / total);
  for (Index j = 0; j < rows; ++j) scores[j] *= scale;
}

/// out[d] += sum over j of weights[j] * values[j][d].
template <int kLanes, class T>
[[gnu::always_inline]] inline void weighted_sum(const float* weights, const T* values, Index rows, Index head_dim,
                                                Index stride, float* out) {
  using S = Simd<kLanes>;
  constexpr int kBlock = 4;  // registers of channels summed side by side
  typename S::Float value;
  Index d = 0;
  for (; d + kBlock * kLanes <= head_dim; d += kBlock * kLanes) {
    typename S::Float sum[kBlock];
    for (int b = 0; b < kBlock; ++b) S::load(out + d + b * kLanes, sum[b]);
    for (Index j = 0; j < rows; ++j)
      for (int b = 0; b < kBlock; ++b) {
        S::load(values + j * stride + d + b * kLanes, value);
        sum[b] += value * weights[j];
      }
    for (int b = 0; b < kBlock; ++b) S::store(sum[b], out + d + b * kLanes);
  }
  for (; d < head_dim; d += kLanes) {
    const Index count = std::min<Index>(kLanes, head_dim - d);
    typename S::Float sum;
    load_part<kLanes>(out + d, count, sum);
    for (Index j = 0; j < rows; ++j) {
      load_part<kLanes>(values + j * stride + d, count, value);
      sum += value * weights[j];
    }
    store_part<kLanes>(sum, count, out + d);
  }
}

}  // namespace kvx::inline v0::detail
