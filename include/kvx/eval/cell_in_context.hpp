#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/planned_cells.hpp>
#include <kvx/press/budget_of.hpp>

namespace kvx::inline v0 {

/// A cell's name with the compression ratio that it has in a context of `tokens` tokens: the share that its budget
/// removes there, or `removed`, the share that was removed, where only the selection decides how many rows stay.
inline CellName cell_in_context(const PlannedCell& planned, Index tokens, const CacheShape& shape, double removed) {
  CellName name = planned.name;
  const Cell& cell = planned.cell;
  const bool by_selection = name.budget == kOwnBudget || fits_by_selection(cell.policy, cell.allowance);
  name.ratio = by_selection ? removed : budget_of(cell.policy, cell.allowance, tokens, shape).ratio;
  return name;
}

}  // namespace kvx::inline v0
