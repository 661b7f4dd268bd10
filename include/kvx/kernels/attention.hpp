#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace kvx::inline v0::detail {

/// Sets lane 0 to the sum of all lanes: the upper half of the lanes is added to the lower one, and so on.
template <int kLanes, int kStep = kLanes / 2>
[[gnu::always_inline]] inline void add_lanes(typename Simd<kLanes>::Float& sum) {
  typename Simd<kLanes>::Float upper = sum;
  swap_lanes<kLanes, kStep>(sum, upper, std::make_integer_sequence<int, kLanes>());
  sum += upper;
  if constexpr (kStep > 1) add_lanes<kLanes, kStep / 2>(sum);
}

/// scores[j] = scale * q . keys[j] for `rows` keys of `head_dim` channels. A dot product adds up the channels register
/// by register, and then the lanes of the register.
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
    add_lanes<kLanes>(sum);
    scores[j] = scale * sum[0];
  }
}

/// Softmax of `scores` [rows] in place.
template <int kLanes>
[[gnu::always_inline]] inline void softmax(float* scores, Index rows) {
  using S = Simd<kLanes>;
  const Index whole = rows - rows % kLanes;  // scores in full registers
  typename S::Float x, highest_lanes = typename S::Float{} + scores[0];
  for (Index j = 0; j < whole; j += kLanes) {
    S::load(scores + j, x);
    highest_lanes = x > highest_lanes ? x : highest_lanes;
  }
  float highest = scores[0];
  for (int i = 0; i < kLanes; ++i) highest = std::max(highest, highest_lanes[i]);
  for (Index j = whole; j < rows; ++j) highest = std::max(highest, scores[j]);
  typename S::Double total_lanes = {};
  for (Index j = 0; j < whole; j += kLanes) {
    S::load(scores + j, x);
    x -= highest;
    S::exp(x);
    S::store(x, scores + j);
    total_lanes += __builtin_convertvector(x, typename S::Double);
  }
  double total = 0;
  for (int i = 0; i < kLanes; ++i) total += total_lanes[i];
  if (whole < rows) {
    load_part<kLanes>(scores + whole, rows - whole, x);
    x -= highest;
    S::exp(x);
    store_part<kLanes>(x, rows - whole, scores + whole);
    for (Index j = whole; j < rows; ++j) total += static_cast<double>(scores[j]);
  }
  const float scale = static_cast<float>(1 / total);
  for (Index j = 0; j < whole; j += kLanes) {
    S::load(scores + j, x);
    x *= scale;
    S::store(x, scores + j);
  }
  for (Index j = whole; j < rows; ++j) scores[j] *= scale;
}

/// out[d] += sum over j of weights[j] * values[j][d], for kBlock registers of channels side by side.
template <int kLanes, int kBlock, class T>
[[gnu::always_inline]] inline void weighted_block(const float* weights, const T* values, Index rows, Index stride,
                                                  float* out) {
  using S = Simd<kLanes>;
  typename S::Float sum[std::size_t{kBlock}], value;
#pragma GCC unroll 16
  for (int b = 0; b < kBlock; ++b) S::load(out + b * kLanes, sum[b]);
  for (Index j = 0; j < rows; ++j)
#pragma GCC unroll 16
    for (int b = 0; b < kBlock; ++b) {
      S::load(values + j * stride + b * kLanes, value);
      sum[b] += value * weights[j];
    }
#pragma GCC unroll 16
  for (int b = 0; b < kBlock; ++b) S::store(sum[b], out + b * kLanes);
}

/// out[d] += sum over j of weights[j] * values[j][d].
template <int kLanes, class T>
[[gnu::always_inline]] inline void weighted_sum(const float* weights, const T* values, Index rows, Index head_dim,
                                                Index stride, float* out) {
  Index d = 0;
  for (; d + 8 * kLanes <= head_dim; d += 8 * kLanes)
    weighted_block<kLanes, 8>(weights, values + d, rows, stride, out + d);
  for (; d + 4 * kLanes <= head_dim; d += 4 * kLanes)
    weighted_block<kLanes, 4>(weights, values + d, rows, stride, out + d);
  for (; d < head_dim; d += kLanes) {
    const Index count = std::min<Index>(kLanes, head_dim - d);
    typename Simd<kLanes>::Float sum, value;
    load_part<kLanes>(out + d, count, sum);
    for (Index j = 0; j < rows; ++j) {
      load_part<kLanes>(values + j * stride + d, count, value);
      sum += value * weights[j];
    }
    store_part<kLanes>(sum, count, out + d);
  }
}

}  // namespace kvx::inline v0::detail
