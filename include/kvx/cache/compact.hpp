#pragma once

#include <kvx/core/tensor_view.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// Moves the rows `kept[h]` (ascending) of each head to its front, in memory that another engine owns. `tensor` is
/// [kv_heads, tokens, head_dim]; the rows behind the kept ones are left as they are.
template <class T>
void compact(TensorView<T> tensor, std::span<const std::vector<Index>> kept) {
  const auto row_bytes = static_cast<std::size_t>(tensor.head_dim()) * sizeof(T);
  for (Index h = 0; h < tensor.heads(); ++h) {
    Index to = 0;
    for (const Index from : kept[static_cast<std::size_t>(h)])
      std::memmove(static_cast<void*>(tensor.row(h, to++)), static_cast<const void*>(tensor.row(h, from)), row_bytes);
  }
}

}  // namespace kvx::inline v0
