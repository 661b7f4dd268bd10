#pragma once

#include <kvx/eval/records/cell_name.hpp>

#include <cmath>
#include <optional>
#include <vector>

namespace kvx::inline v0 {

/// The cell of a method with the highest compression ratio; none if the method has no cell.
inline std::optional<CellName> hardest_cell(const std::vector<CellName>& cells, const CellName& method) {
  std::optional<CellName> most;
  for (const CellName& cell : cells)
    if (cell.method() == method && (!most || (std::isnan(most->ratio) || cell.ratio > most->ratio))) most = cell;
  return most;
}

}  // namespace kvx::inline v0
