#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/activation.hpp>
#include <kvx/kernels/attention.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/rms_norm.hpp>

namespace kvx::inline v0 {

/// The inner loops over rows for one instruction set.
struct RowKernels {
  template <class T>
  using DotRows = void (*)(const float*, const T*, Index, Index, Index, float, float*);
  template <class T>
  using WeightedSum = void (*)(const float*, const T*, Index, Index, Index, float*);

  DotRows<float> dot_rows_f32;
  DotRows<BF16> dot_rows_bf16;
  WeightedSum<float> weighted_sum_f32;
  WeightedSum<BF16> weighted_sum_bf16;
  void (*softmax)(float* scores, Index count);                ///< in place
  void (*swiglu)(float* gate, const float* up, Index count);  ///< gate = silu(gate) * up
  /// to = from / rms(from) * weight; `to` may be `from`.
  void (*rms_norm)(const float* from, const float* weight, Index count, double eps, float* to);

  /// scores[j] = scale * q . keys[j]; q [head_dim], keys [rows, head_dim], scores [rows].
  void dot_rows(const float* q, MatrixView<const float> keys, float scale, float* scores) const {
    dot_rows_f32(q, keys.data(), keys.rows(), keys.cols(), keys.outerStride(), scale, scores);
  }
  void dot_rows(const float* q, MatrixView<const BF16> keys, float scale, float* scores) const {
    dot_rows_bf16(q, keys.data(), keys.rows(), keys.cols(), keys.outerStride(), scale, scores);
  }
  /// out += sum over j of weights[j] * values[j]; values [rows, head_dim], out [head_dim].
  void weighted_sum(const float* weights, MatrixView<const float> values, float* out) const {
    weighted_sum_f32(weights, values.data(), values.rows(), values.cols(), values.outerStride(), out);
  }
  void weighted_sum(const float* weights, MatrixView<const BF16> values, float* out) const {
    weighted_sum_bf16(weights, values.data(), values.rows(), values.cols(), values.outerStride(), out);
  }
};

namespace detail {

struct PortableRows {
  template <class T>
  static void dot(const float* q, const T* keys, Index rows, Index dim, Index stride, float scale, float* scores) {
    dot_rows<4>(q, keys, rows, dim, stride, scale, scores);
  }
  template <class T>
  static void sum(const float* weights, const T* values, Index rows, Index dim, Index stride, float* out) {
    weighted_sum<4>(weights, values, rows, dim, stride, out);
  }
  static void normalize(float* scores, Index count) { softmax<4>(scores, count); }
  static void gate(float* g, const float* up, Index count) { swiglu<4>(g, up, count); }
  static void norm(const float* from, const float* weight, Index count, double eps, float* to) {
    rms_norm<4>(from, weight, count, eps, to);
  }
};

#if defined(__x86_64__)
struct Avx2Rows {
  template <class T>
  [[gnu::target("avx2,fma")]] static void dot(const float* q, const T* keys, Index rows, Index dim, Index stride,
                                              float scale, float* scores) {
    dot_rows<8>(q, keys, rows, dim, stride, scale, scores);
  }
  template <class T>
  [[gnu::target("avx2,fma")]] static void sum(const float* weights, const T* values, Index rows, Index dim,
                                              Index stride, float* out) {
    weighted_sum<8>(weights, values, rows, dim, stride, out);
  }
  [[gnu::target("avx2,fma")]] static void normalize(float* scores, Index count) { softmax<8>(scores, count); }
  [[gnu::target("avx2,fma")]] static void gate(float* g, const float* up, Index count) { swiglu<8>(g, up, count); }
  [[gnu::target("avx2,fma")]] static void norm(const float* from, const float* weight, Index count, double eps,
                                               float* to) {
    rms_norm<8>(from, weight, count, eps, to);
  }
};

struct Avx512Rows {
  template <class T>
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void dot(const float* q, const T* keys, Index rows, Index dim,
                                                                   Index stride, float scale, float* scores) {
    dot_rows<16>(q, keys, rows, dim, stride, scale, scores);
  }
  template <class T>
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void sum(const float* weights, const T* values, Index rows,
                                                                   Index dim, Index stride, float* out) {
    weighted_sum<16>(weights, values, rows, dim, stride, out);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void normalize(float* scores, Index count) {
    softmax<16>(scores, count);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void gate(float* g, const float* up, Index count) {
    swiglu<16>(g, up, count);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl,fma")]] static void norm(const float* from, const float* weight, Index count,
                                                                    double eps, float* to) {
    rms_norm<16>(from, weight, count, eps, to);
  }
};
#endif

template <class Path>
constexpr RowKernels row_kernels_of() {
  return {&Path::template dot<float>,
          &Path::template dot<BF16>,
          &Path::template sum<float>,
          &Path::template sum<BF16>,
          &Path::normalize,
          &Path::gate,
          &Path::norm};
}

}  // namespace detail

/// The loops for `wanted`, which must be one of available_isas().
inline const RowKernels& row_kernels(Isa wanted = isa()) {
  static constexpr RowKernels portable = detail::row_kernels_of<detail::PortableRows>();
#if defined(__x86_64__)
  static constexpr RowKernels avx2 = detail::row_kernels_of<detail::Avx2Rows>();
  static constexpr RowKernels avx512 = detail::row_kernels_of<detail::Avx512Rows>();
  if (wanted >= Isa::avx512) return avx512;
  if (wanted == Isa::avx2) return avx2;
#endif
  return portable;
}

}  // namespace kvx::inline v0
