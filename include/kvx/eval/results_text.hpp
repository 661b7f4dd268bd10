#pragma once

#include <kvx/eval/cell_fields.hpp>
#include <kvx/eval/results.hpp>
#include <kvx/io/csv_field.hpp>
#include <kvx/io/json_writer.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/estimate.hpp>
#include <kvx/score/scorer.hpp>

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// A p with six digits; `none` if there is none.
inline std::string p_field(double p, std::string_view none = "") {
  return std::isnan(p) ? std::string(none) : six_digits(p);
}

/// The figures of a cell that do not come from its task: the share of answers with a thought that does not end, if
/// there are any, and the share of the cache that the cell keeps.
inline std::vector<Estimate> cell_shares(const CellResult& cell) {
  std::vector<Estimate> shares;
  if (cell.score.unfinished > 0) shares.push_back(cell.score.unfinished_share);
  shares.push_back({"memory_retained", cell.kept_bytes / cell.full_bytes, cell.score.n, cell.score.contexts});
  for (Estimate& share : shares) share.better = Better::less;
  return shares;
}

}  // namespace detail

/// One line a cell and metric, the task's summaries and the share of the cache that is kept among them; `change` and
/// holm_p are against the base, `better` says which values are better. A field without a known value is empty.
inline std::string results_csv(std::span<const CellResult> cells) {
  std::string text =
      "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,change_"
      "high,p,holm_p,"
      "better\n";
  for (const CellResult& cell : cells) {
    const auto add = [&](const Estimate& share, const Estimate* change = nullptr) {
      for (const std::string& field : {csv_field(cell.model), cell_fields(cell.cell), csv_field(cell.label()),
                                       csv_field(share.name), csv_field(share.value), std::to_string(share.n),
                                       std::to_string(share.contexts), csv_field(share.low), csv_field(share.high)})
        text.append(field).append(",");
      if (change == nullptr || change->n == 0) {
        text.append(",,,,,").append(written(share.better)).append("\n");
        return;
      }
      for (const double number : {change->value, change->low, change->high}) text.append(csv_field(number)).append(",");
      text.append(detail::p_field(change->p)).append(",").append(detail::p_field(change->holm_p));
      text.append(",").append(written(share.better)).append("\n");
    };
    for (std::size_t m = 0; m < cell.score.metrics.size(); ++m)
      add(cell.score.metrics[m], cell.changes.empty() ? nullptr : &cell.changes[m]);
    for (const Estimate& share : cell.score.summaries) add(share);
    for (const Estimate& share : detail::cell_shares(cell)) add(share);
  }
  return text;
}

}  // namespace kvx::inline v0
