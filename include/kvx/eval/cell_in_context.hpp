#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/planned_cells.hpp>
#include <kvx/press/budget_of.hpp>

namespace kvx::inline v0 {

/// A cell's name with the compression ratio that it has in a context of `tokens` tokens: what its budget comes to
/// there, or `removed`, the share of the rows that it removed, for a press that itself decides how much stays.
inline CellName cell_in_context(const PlannedCell& planned, Index tokens, const CacheShape& shape, double removed) {
  CellName name = planned.name;
  const Cell& cell = planned.cell;
  name.ratio = name.budget == kOwnBudget ? removed : budget_of(cell.policy, cell.allowance, tokens, shape).ratio;
  return name;
}

}  // namespace kvx::inline v0
