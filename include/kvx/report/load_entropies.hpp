#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/report/report_rows.hpp>
#include <kvx/report/seen_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

namespace kvx::inline v0::detail {

/// Adds the lines of an entropy.csv that are new.
inline void load_entropies(std::vector<AnswerEntropy>& to, SeenRows& seen, const CsvTable& csv) {
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    if (!seen.add(csv, row, "entropy", "token " + csv.text(row, "token"))) continue;
    const std::string model = csv.text(row, "model"), task = csv.text(row, "task");
    const CellName cell = csv_cell(csv, row);
    auto found = std::find_if(to.rbegin(), to.rend(), [&](const AnswerEntropy& there) {
      return there.cell == cell && there.task == task && there.model == model;
    });
    if (found == to.rend()) {
      to.push_back({model, task, cell, {}});
      found = to.rbegin();
    }
    if (csv_count(csv, row, "token") != found->tokens.size())
      throw Error(csv.where(row), "column token: expected " + std::to_string(found->tokens.size()) + ", found " +
                                      csv.text(row, "token"));
    const AnswerEntropy::Token token{csv.number(row, "entropy"), csv_count(csv, row, "n"), csv.number(row, "change"),
                                     csv_count(csv, row, "paired")};
    for (const auto& [column, value, answers] :
         {std::tuple{"entropy", token.mean, token.n}, {"change", token.change, token.paired}})
      if (answers > 0 && std::isnan(value))
        throw Error(csv.where(row), "column " + std::string(column) + ": expected the mean of " +
                                        std::to_string(answers) + " answers, found nothing");
    found->tokens.push_back(token);
  }
}

}  // namespace kvx::inline v0::detail
