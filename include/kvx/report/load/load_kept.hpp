#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/report/load/report_rows.hpp>
#include <kvx/report/load/seen_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the lines of a kept_spans.csv that were not loaded yet.
inline void load_kept_shares(std::vector<KeptShare>& shares, SeenRows& seen, const CsvTable& csv) {
  const std::vector<KeptShare> rows = kept_spans_columns().rows(csv);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const KeptShare& row = rows[i];
    if (seen.add(csv.where(i), {"share_kept", row.model, row.task, row.cell, row.share}, row.span))
      shares.push_back(row);
  }
}

/// Adds the lines of a kept_heads.csv that were not loaded yet. The heads of a layer are added up.
inline void load_kept_layers(std::vector<KeptLayers>& layers, SeenRows& seen, const CsvTable& csv) {
  const std::vector<KeptHead> rows = kept_heads_columns().rows(csv);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const KeptHead& row = rows[i];
    if (row.tokens < 1 || row.kept > row.tokens)
      throw Error(csv.where(i), "column kept: expected at most the number of tokens, " + std::to_string(row.tokens) +
                                    ", found " + std::to_string(row.kept));
    const std::string layer = std::to_string(row.layer);
    if (!seen.add(csv.where(i), {"kept", row.model, row.task, row.cell, static_cast<double>(row.kept)},
                  row.span + ", layer " + layer + ", head " + std::to_string(row.head)))
      continue;
    auto found = std::find_if(layers.rbegin(), layers.rend(), [&](const KeptLayers& loaded) {
      return loaded.span == row.span && loaded.cell == row.cell && loaded.task == row.task && loaded.model == row.model;
    });
    if (found == layers.rend()) {
      layers.push_back({row.model, row.task, row.cell, row.span, {}, {}});
      found = layers.rbegin();
    }
    if (row.layer > found->kept.size())
      throw Error(csv.where(i), "column layer: expected at most the next layer, " + std::to_string(found->kept.size()) +
                                    ", found " + layer);
    found->kept.resize(std::max(found->kept.size(), row.layer + 1));
    found->tokens.resize(found->kept.size());
    found->kept[row.layer] += row.kept;
    found->tokens[row.layer] += row.tokens;
  }
}

}  // namespace kvx::inline v0::detail
