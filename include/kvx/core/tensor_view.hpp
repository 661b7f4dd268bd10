#pragma once

#include <Eigen/Core>

#include <type_traits>

namespace kvx::inline v0 {

using Index = Eigen::Index;

/// A row-major matrix. It is not aligned: Eigen's alignment, and therefore its way of allocating, depends on compiler
/// flags, but a matrix must be the same type in every translation unit that it is passed to.
template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor | Eigen::DontAlign>;

/// A view of rows in memory that it does not own. `T` is const for a read-only view.
template <class T>
using MatrixView = Eigen::Map<std::conditional_t<std::is_const_v<T>, const Matrix<std::remove_const_t<T>>, Matrix<T>>,
                              Eigen::Unaligned, Eigen::OuterStride<>>;

template <class T>
MatrixView<T> view(T* data, Index rows, Index cols, Index row_stride) {
  return {data, rows, cols, Eigen::OuterStride<>(row_stride)};
}
template <class T>
MatrixView<T> view(Matrix<T>& matrix) {
  return view(matrix.data(), matrix.rows(), matrix.cols(), matrix.cols());
}
template <class T>
MatrixView<const T> view(const Matrix<T>& matrix) {
  return view(matrix.data(), matrix.rows(), matrix.cols(), matrix.cols());
}

/// Rows [first, first + count) of a view.
template <class View>
auto rows_of(View matrix, Index first, Index count) {
  return view(matrix.data() + first * matrix.outerStride(), count, matrix.cols(), matrix.outerStride());
}
/// A read-only view of the same memory.
template <class View>
auto read_only(const View& matrix) {
  return view<const typename View::Scalar>(matrix.data(), matrix.rows(), matrix.cols(), matrix.outerStride());
}

/// A [heads, tokens, head_dim] tensor of any layout whose channels are contiguous:
/// element (h, t, d) = data[h * head_stride + t * token_stride + d].
template <class T>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, Index heads, Index tokens, Index head_dim, Index head_stride, Index token_stride)
      : data_(data),
        heads_(heads),
        tokens_(tokens),
        head_dim_(head_dim),
        head_stride_(head_stride),
        token_stride_(token_stride) {}

  /// Packed as [heads, tokens, head_dim].
  static TensorView head_major(T* data, Index heads, Index tokens, Index head_dim) {
    return {data, heads, tokens, head_dim, tokens * head_dim, head_dim};
  }
  /// Packed as [tokens, heads, head_dim], which is how a projection writes its rows.
  static TensorView token_major(T* data, Index heads, Index tokens, Index head_dim) {
    return {data, heads, tokens, head_dim, head_dim, heads * head_dim};
  }

  Index heads() const { return heads_; }
  Index tokens() const { return tokens_; }
  Index head_dim() const { return head_dim_; }
  bool empty() const { return data_ == nullptr; }

  /// The rows of one head, [tokens, head_dim].
  MatrixView<T> head(Index h) const { return view(data_ + h * head_stride_, tokens_, head_dim_, token_stride_); }
  T* row(Index h, Index t) const { return data_ + h * head_stride_ + t * token_stride_; }

  /// Tokens [from, from + count) of every head.
  TensorView tokens(Index from, Index count) const {
    return {data_ + from * token_stride_, heads_, count, head_dim_, head_stride_, token_stride_};
  }

  operator TensorView<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data_, heads_, tokens_, head_dim_, head_stride_, token_stride_};
  }

 private:
  T* data_ = nullptr;
  Index heads_ = 0, tokens_ = 0, head_dim_ = 0, head_stride_ = 0, token_stride_ = 0;
};

}  // namespace kvx::inline v0
