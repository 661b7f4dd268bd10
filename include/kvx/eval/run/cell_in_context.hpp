#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/pressed_allowance.hpp>
#include <kvx/press/budget_of.hpp>

namespace kvx::inline v0 {

/// A cell's name with its compression ratio in a context of `tokens` tokens. The ratio is the share of the rows that
/// its budget removes in the layers without a window. If only the selection decides how many rows are kept, the ratio
/// is `removed`, the share of the rows that was in fact removed.
inline CellName cell_in_context(const PlannedCell& planned, const ModelConfig& config, Index tokens,
                                const CacheShape& shape, double removed) {
  CellName name = planned.name;
  const Cell& cell = planned.cell;
  const bool by_selection = name.budget == kOwnBudget || fits_by_selection(cell.policy, cell.allowance);
  const Allowance allowance = pressed_allowance(config, cell.allowance, tokens, shape);
  name.ratio = by_selection ? removed : budget_of(cell.policy, allowance, tokens, shape).ratio;
  return name;
}

}  // namespace kvx::inline v0
