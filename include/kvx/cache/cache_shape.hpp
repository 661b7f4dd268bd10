#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// The sizes and the dtype of a cache. They determine the bytes of a row, which convert a budget in bytes to rows.
struct CacheShape {
  Index layers = 1, kv_heads = 1, head_dim = 0;
  Dtype dtype = Dtype::f32;

  /// The bytes of one row of one head: key, value and position.
  std::size_t row_bytes() const { return 2 * static_cast<std::size_t>(head_dim) * size_of(dtype) + sizeof(Position); }
};

}  // namespace kvx::inline v0
