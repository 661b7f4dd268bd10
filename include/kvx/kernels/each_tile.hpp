#pragma once

#include <kvx/core/tensor_view.hpp>

#include <type_traits>

namespace kvx::inline v0::detail {

/// Calls tile() for the last rows, at most kRows of them.
template <int kRows, class Tile>
[[gnu::always_inline]] inline void last_tile(Index rows, Index first, const Tile& tile) {
  if constexpr (kRows > 0) {
    if (rows == kRows)
      tile(std::integral_constant<int, kRows>(), first);
    else
      last_tile<kRows - 1>(rows, first, tile);
  }
}

/// Calls tile(std::integral_constant<int, rows>, first row) for rows [0, rows): whole tiles of kMost, then the rest.
template <int kMost, class Tile>
[[gnu::always_inline]] inline void each_tile(Index rows, const Tile& tile) {
  Index first = 0;
  for (; first + kMost <= rows; first += kMost) tile(std::integral_constant<int, kMost>(), first);
  last_tile<kMost - 1>(rows - first, first, tile);
}

/// Calls tile(std::integral_constant<int, panels>, first panel) for panels [first, last): kMost at a time, then one by
/// one.
template <int kMost, class Tile>
[[gnu::always_inline]] inline void each_panel_tile(Index first, Index last, const Tile& tile) {
  for (; first + kMost <= last; first += kMost) tile(std::integral_constant<int, kMost>(), first);
  for (; first < last; ++first) tile(std::integral_constant<int, 1>(), first);
}

}  // namespace kvx::inline v0::detail
