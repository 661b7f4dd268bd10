#pragma once

#include <kvx/kernels/rope.hpp>
#include <kvx/press/press_input.hpp>

#include <span>
#include <vector>

namespace kvx::inline v0::detail {

/// Numbers the rows of a head from 0 on, and rotates their keys to these positions in one step.
inline void renumber(std::span<const float> inv_freq, HeadRows rows) {
  std::vector<Position> shifts;
  for (Position& position : rows.positions) {
    const auto moved = static_cast<Position>(shifts.size());
    shifts.push_back(moved - position);
    position = moved;
  }
  const RopeTable rope(inv_freq, shifts);
  for (Index j = 0; j < rows.keys.rows(); ++j) rope.rotate(j, rows.keys.row(j).data());
}

}  // namespace kvx::inline v0::detail
