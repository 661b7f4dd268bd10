#pragma once

#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/row_kernels.hpp>

#include <algorithm>
#include <cstddef>

namespace kvx::inline v0::detail {

/// Rows for the computation of dot products with many vectors. They are stored transposed, in blocks, so that the dot
/// products of a vector with all rows of a block are one weighted sum of block rows. This is faster than separate dot
/// products, each of which has to add up the lanes of a vector register.
class TransposedRows {
 public:
  explicit TransposedRows(MatrixView<const float> rows)
      : rows_(rows.rows()), dim_(rows.cols()), blocks_(static_cast<std::size_t>(padded(rows_) * dim_), 0.0f) {
    for (Index first = 0; first < rows_; first += kBlock) {
      const Index count = std::min(kBlock, rows_ - first);
      view(&blocks_[static_cast<std::size_t>(first * dim_)], dim_, count, kBlock) =
          rows.middleRows(first, count).transpose();
    }
  }

  /// The columns that multiply() needs for the products with this number of rows.
  static Index padded(Index rows) { return (rows + kBlock - 1) / kBlock * kBlock; }

  Index rows() const { return rows_; }
  Index dim() const { return dim_; }

  /// Writes products[i][j] = vectors[i] . row j for the first `rows` rows. `products` has padded(rows) columns or more;
  /// columns after the last row become 0.
  void multiply(MatrixView<const float> vectors, Index rows, MatrixView<float> products) const {
    products.setZero();
    for (Index first = 0; first < rows; first += kBlock) {
      const auto block = view(&blocks_[static_cast<std::size_t>(first * dim_)], dim_, kBlock, kBlock);
      for (Index i = 0; i < vectors.rows(); ++i)
        row_kernels().weighted_sum(vectors.row(i).data(), block, products.row(i).data() + first);
    }
  }

 private:
  static constexpr Index kBlock = 128;

  Index rows_, dim_;
  LineVector<float> blocks_;  // [rows / 128, dim, 128]
};

}  // namespace kvx::inline v0::detail
