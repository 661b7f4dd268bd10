#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/report/report_rows.hpp>
#include <kvx/report/seen_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the lines of a kept_spans.csv that are new.
inline void load_kept_shares(std::vector<KeptShare>& to, SeenRows& seen, const CsvTable& csv) {
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string span = csv.text(row, "span");
    if (seen.add(csv, row, "share_kept", span))
      to.push_back({csv.text(row, "model"), csv.text(row, "task"), csv_cell(csv, row), span,
                    csv.number(row, "share_kept"), csv.number(row, "relative")});
  }
}

/// Adds the lines of a kept_heads.csv that are new, the heads of a layer together.
inline void load_kept_layers(std::vector<KeptLayers>& to, SeenRows& seen, const CsvTable& csv) {
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string model = csv.text(row, "model"), task = csv.text(row, "task"), span = csv.text(row, "span");
    const std::size_t layer = csv_count(csv, row, "layer"), tokens = csv_count(csv, row, "tokens"),
                      kept = csv_count(csv, row, "kept");
    if (tokens < 1 || kept > tokens)
      throw Error(csv.where(row), "column kept: expected no more than the tokens, found " + csv.text(row, "kept") +
                                      " of " + csv.text(row, "tokens"));
    if (!seen.add(csv, row, "kept", span + ", layer " + csv.text(row, "layer") + ", head " + csv.text(row, "head")))
      continue;
    const CellName cell = csv_cell(csv, row);
    auto found = std::find_if(to.rbegin(), to.rend(), [&](const KeptLayers& there) {
      return there.span == span && there.cell == cell && there.task == task && there.model == model;
    });
    if (found == to.rend()) {
      to.push_back({model, task, cell, span, {}, {}});
      found = to.rbegin();
    }
    if (layer > found->kept.size())
      throw Error(csv.where(row), "column layer: expected " + std::to_string(found->kept.size()) + " first, found " +
                                      csv.text(row, "layer"));
    found->kept.resize(std::max(found->kept.size(), layer + 1));
    found->tokens.resize(found->kept.size());
    found->kept[layer] += static_cast<Index>(kept);
    found->tokens[layer] += static_cast<Index>(tokens);
  }
}

}  // namespace kvx::inline v0::detail
