#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/activation.hpp>
#include <kvx/kernels/attention.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/paths.hpp>
#include <kvx/kernels/rms_norm.hpp>

namespace kvx::inline v0 {

namespace detail {

template <class T>
struct DotRowsJob {
  const float* q;
  MatrixView<const T> keys;
  float scale;
  float* scores;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    dot_rows<Path::lanes>(q, keys.data(), keys.rows(), keys.cols(), keys.outerStride(), scale, scores);
  }
};

template <class T>
struct WeightedSumJob {
  const float* weights;
  MatrixView<const T> values;
  float* out;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    weighted_sum<Path::lanes>(weights, values.data(), values.rows(), values.cols(), values.outerStride(), out);
  }
};

struct SoftmaxJob {
  float* scores;
  Index count;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    softmax<Path::lanes>(scores, count);
  }
};

struct SwigluJob {
  float* gate;
  const float* up;
  Index count;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    swiglu<Path::lanes>(gate, up, count);
  }
};

struct GegluJob {
  float* gate;
  const float* up;
  Index count;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    geglu<Path::lanes>(gate, up, count);
  }
};

struct RmsNormJob {
  const float *from, *weight;
  Index count;
  double eps;
  float* to;

  template <class Path>
  [[gnu::always_inline]] void run() const {
    rms_norm<Path::lanes>(from, weight, count, eps, to);
  }
};

}  // namespace detail

/// The inner loops over rows for one instruction set, which must be one of available_isas().
class RowKernels {
 public:
  explicit RowKernels(Isa path) : path_(path) {}

  /// scores[j] = scale * q . keys[j]; q [head_dim], keys [rows, head_dim] of float or BF16, scores [rows].
  void dot_rows(const float* q, MatrixView<const float> keys, float scale, float* scores) const {
    detail::run_on(path_, detail::DotRowsJob<float>{q, keys, scale, scores});
  }
  void dot_rows(const float* q, MatrixView<const BF16> keys, float scale, float* scores) const {
    detail::run_on(path_, detail::DotRowsJob<BF16>{q, keys, scale, scores});
  }
  /// out += sum over j of weights[j] * values[j]; values [rows, head_dim] of float or BF16, out [head_dim].
  void weighted_sum(const float* weights, MatrixView<const float> values, float* out) const {
    detail::run_on(path_, detail::WeightedSumJob<float>{weights, values, out});
  }
  void weighted_sum(const float* weights, MatrixView<const BF16> values, float* out) const {
    detail::run_on(path_, detail::WeightedSumJob<BF16>{weights, values, out});
  }
  /// Replaces `scores` [count] with their softmax.
  void softmax(float* scores, Index count) const { detail::run_on(path_, detail::SoftmaxJob{scores, count}); }
  /// gate = silu(gate) * up.
  void swiglu(float* gate, const float* up, Index count) const {
    detail::run_on(path_, detail::SwigluJob{gate, up, count});
  }
  /// gate = gelu(gate) * up, with the tanh approximation of GELU.
  void geglu(float* gate, const float* up, Index count) const {
    detail::run_on(path_, detail::GegluJob{gate, up, count});
  }
  /// to = from / rms(from) * weight; `to` may be `from`.
  void rms_norm(const float* from, const float* weight, Index count, double eps, float* to) const {
    detail::run_on(path_, detail::RmsNormJob{from, weight, count, eps, to});
  }

 private:
  Isa path_;
};

/// The row kernels of `path`, which must be one of available_isas().
inline RowKernels row_kernels(Isa path = isa()) { return RowKernels(path); }

}  // namespace kvx::inline v0
