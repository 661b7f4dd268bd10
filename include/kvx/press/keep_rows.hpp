#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/top_k.hpp>
#include <kvx/press/press_input.hpp>

#include <cstddef>
#include <numeric>
#include <vector>

namespace kvx::inline v0 {

/// All rows of a layer.
inline Kept keep_all(Index kv_heads, Index tokens) {
  std::vector<Index> rows(static_cast<std::size_t>(tokens));
  std::iota(rows.begin(), rows.end(), Index{0});
  return Kept(static_cast<std::size_t>(kv_heads), rows);
}

/// The `rows` rows of each head with the highest scores. If scores are equal, the newer row is taken.
inline Kept keep_best(MatrixView<const float> scores, Index rows) {
  Kept kept;
  for (Index h = 0; h < scores.rows(); ++h)
    kept.push_back(top_k({scores.row(h).data(), static_cast<std::size_t>(scores.cols())}, rows));
  return kept;
}

}  // namespace kvx::inline v0
