#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/tables/entropy_table.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/report/load/report_rows.hpp>
#include <kvx/report/load/seen_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the lines of an entropy.csv that were not loaded yet.
inline void load_entropies(std::vector<AnswerEntropy>& entropies, SeenRows& seen, const CsvTable& csv) {
  const std::vector<EntropyRow> rows = entropy_columns().rows(csv);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const EntropyRow& row = rows[i];
    const std::string token = std::to_string(row.token);
    if (!seen.add(csv.where(i), {"entropy", row.model, row.task, row.cell, row.entropy.value}, "token " + token))
      continue;
    auto found = std::find_if(entropies.rbegin(), entropies.rend(), [&](const AnswerEntropy& loaded) {
      return loaded.cell == row.cell && loaded.task == row.task && loaded.model == row.model;
    });
    if (found == entropies.rend()) {
      entropies.push_back({row.model, row.task, row.cell, {}});
      found = entropies.rbegin();
    }
    if (row.token != found->tokens.size())
      throw Error(csv.where(i), "column token: expected " + std::to_string(found->tokens.size()) + ", found " + token);
    for (const auto& [column, mean] : {std::tuple{"entropy", &row.entropy}, {"change", &row.change}})
      if (mean->n > 0 && std::isnan(mean->value))
        throw Error(csv.where(i), "column " + std::string(column) + ": expected the mean of " +
                                      std::to_string(mean->n) + " answers, found nothing");
    found->tokens.push_back({row.entropy.value, row.entropy.n, row.change.value, row.change.n});
  }
}

}  // namespace kvx::inline v0::detail
