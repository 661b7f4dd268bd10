#pragma once

#include <kvx/kernels/rope.hpp>
#include <kvx/press/press_input.hpp>

#include <span>
#include <vector>

namespace kvx::inline v0::detail {

/// Numbers the rows of a head from 0 on, and rotates each key by the difference of its new and its old position.
inline void renumber(std::span<const float> inv_freq, HeadRows rows) {
  std::vector<Position> shifts;
  for (Position& position : rows.positions) {
    const auto new_position = static_cast<Position>(shifts.size());
    shifts.push_back(new_position - position);
    position = new_position;
  }
  const RopeTable rope(inv_freq, shifts);
  for (Index j = 0; j < rows.keys.rows(); ++j) rope.rotate(j, rows.keys.row(j).data());
}

}  // namespace kvx::inline v0::detail
