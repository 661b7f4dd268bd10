#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/packed_matrix.hpp>

#include <array>
#include <cstddef>

namespace kvx::inline v0 {

/// The sizes of a decoder layer, and the parameters, operations and bytes that follow from them.
struct LayerSizes {
  Index hidden = 0, intermediate = 0;
  Index heads = 0, kv_heads = 0, head_dim = 0;
  bool qkv_bias = false, output_bias = false, mlp_bias = false;
  bool head_norms = false, output_norms = false;

  Index queries() const { return heads * head_dim; }    ///< the channels of all query heads
  Index keys() const { return kv_heads * head_dim; }    ///< the channels of all key heads, or of all value heads
  Index qkv() const { return queries() + 2 * keys(); }  ///< the channels of queries, keys and values
  Index biases() const {
    return (qkv_bias ? qkv() : 0) + (output_bias ? hidden : 0) + (mlp_bias ? 2 * intermediate + hidden : 0);
  }
  Index norms() const { return (output_norms ? 4 : 2) * hidden + (head_norms ? 2 * head_dim : 0); }

  struct MatrixSize {
    Index out, in;
  };
  /// The layer's matrices: query, key and value; attention's output; gate and up; down.
  std::array<MatrixSize, 4> matrices() const {
    return {{{qkv(), hidden}, {hidden, queries()}, {2 * intermediate, hidden}, {hidden, intermediate}}};
  }

  /// The number of parameters in the matrices. A token is multiplied with each of them once.
  Index matrix_parameters() const {
    Index sum = 0;
    for (const auto [out, in] : matrices()) sum += out * in;
    return sum;
  }
  /// The number of parameters in the whole layer.
  Index parameters() const { return matrix_parameters() + norms() + biases(); }
  /// The bytes of the packed matrices.
  std::size_t matrix_bytes(WeightFormat format) const {
    std::size_t sum = 0;
    for (const auto [out, in] : matrices()) sum += PackedMatrix::bytes_of(format, out, in);
    return sum;
  }

  /// Floating-point operations per token in the products with the matrices.
  double matrix_flops() const { return 2 * static_cast<double>(matrix_parameters()); }
  /// Floating-point operations per token in attention over `rows` cache rows: products with keys, then with values.
  double attention_flops(double rows) const { return 4 * rows * static_cast<double>(queries()); }
};

}  // namespace kvx::inline v0
