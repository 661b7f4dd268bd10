#pragma once

#include <kvx/eval/tables/result_row.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/score/statistics/better.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The figures of a cell that do not come from its task: the share of answers whose thought does not end, if there are
/// any, and the share of the cache that the cell keeps.
inline std::vector<Estimate> cell_shares(const CellResult& cell) {
  std::vector<Estimate> shares;
  if (cell.score.unfinished > 0) shares.push_back(cell.score.unfinished_share);
  shares.push_back({"memory_retained", cell.kept_bytes / cell.full_bytes, cell.score.n, cell.score.contexts});
  for (Estimate& share : shares) share.better = Better::less;
  return shares;
}

}  // namespace detail

/// The rows of results.csv: one for each cell and metric, including the task's summaries and the share of the cache
/// that is kept.
inline std::vector<ResultRow> result_rows(std::span<const CellResult> cells) {
  std::vector<ResultRow> rows;
  for (const CellResult& cell : cells) {
    const auto add = [&](const Estimate& figure) -> ResultRow& {
      return rows.emplace_back(ResultRow{cell.model, cell.label(), cell.cell, figure});
    };
    for (std::size_t m = 0; m < cell.score.metrics.size(); ++m) {
      ResultRow& row = add(cell.score.metrics[m]);
      if (!cell.changes.empty() && cell.changes[m].n > 0) row.change = cell.changes[m];
    }
    for (const Estimate& summary : cell.score.summaries) add(summary);
    for (const Estimate& share : detail::cell_shares(cell)) add(share);
  }
  return rows;
}

/// The text of results.csv. The field of an unknown value is empty.
inline std::string results_csv(std::span<const CellResult> cells) { return results_columns().text(result_rows(cells)); }

}  // namespace kvx::inline v0
