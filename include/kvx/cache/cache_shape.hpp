#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>

#include <cstddef>

namespace kvx::inline v0 {

/// What a cache holds a row of: the sizes that budgets in bytes are divided by.
struct CacheShape {
  Index layers = 1, kv_heads = 1, head_dim = 0;
  Dtype dtype = Dtype::f32;

  /// One row of one head: key, value and position.
  std::size_t row_bytes() const { return 2 * static_cast<std::size_t>(head_dim) * size_of(dtype) + sizeof(Position); }
};

}  // namespace kvx::inline v0
