#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// Moves the rows `kept[h]` of each head h to the front of the head, in memory that another engine owns. `tensor` is
/// [kv_heads, tokens, head_dim]; the rows after the kept ones are not changed. Throws Error, before moving anything,
/// unless `kept` has one list for each head, and each list has ascending row numbers below the number of tokens.
template <class T>
void compact(TensorView<T> tensor, std::span<const std::vector<Index>> kept) {
  if (static_cast<Index>(kept.size()) != tensor.heads())
    throw Error("compact: kept",
                "expected " + std::to_string(tensor.heads()) + " lists, found " + std::to_string(kept.size()));
  for (const auto& rows : kept)
    if (!rows.empty() && (rows.front() < 0 || rows.back() >= tensor.tokens() ||
                          std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) != rows.end()))
      throw Error("compact: kept",
                  "expected ascending rows below " + std::to_string(tensor.tokens()) + ", found others");
  const auto row_bytes = static_cast<std::size_t>(tensor.head_dim()) * sizeof(T);
  for (Index h = 0; h < tensor.heads(); ++h) {
    Index to = 0;
    for (const Index from : kept[static_cast<std::size_t>(h)])
      std::memmove(static_cast<void*>(tensor.row(h, to++)), static_cast<const void*>(tensor.row(h, from)), row_bytes);
  }
}

}  // namespace kvx::inline v0
