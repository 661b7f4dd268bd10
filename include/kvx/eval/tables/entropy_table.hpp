#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/eval/tables/cell_groups.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The file to which the driver writes the entropies.
inline constexpr std::string_view kEntropyCsv = "entropy.csv";

/// The mean entropy of a cell's next-token distributions at one token position of its answers: a line of entropy.csv.
struct EntropyRow {
  std::string model, task;  ///< task: the label that data_label() returns
  CellName cell;
  std::size_t token = 0;          ///< the position in the answer, from 0
  Estimate entropy = {};          ///< mean in nats over the n answers that have this token
  double base = Estimate::kNone;  ///< mean over the base's answers to the same samples, if they have this token too
  Estimate change = {};           ///< mean difference from the base; n counts pairs of answers
};

/// The columns of entropy.csv.
inline const CsvColumns<EntropyRow>& entropy_columns() {
  static const CsvColumns<EntropyRow> table = cell_row_columns<EntropyRow>()
                                                  .add("token", &EntropyRow::token)
                                                  .add_six_digits("entropy", &EntropyRow::entropy, &Estimate::value)
                                                  .add("n", &EntropyRow::entropy, &Estimate::n)
                                                  .add("contexts", &EntropyRow::entropy, &Estimate::contexts)
                                                  .add_six_digits("base", &EntropyRow::base)
                                                  .add_six_digits("change", &EntropyRow::change, &Estimate::value)
                                                  .add("paired", &EntropyRow::change, &Estimate::n)
                                                  .add("change_contexts", &EntropyRow::change, &Estimate::contexts)
                                                  .may_lack();
  return table;
}

/// The entropies of each cell's answers, token by token, in the order of the records.
inline std::vector<EntropyRow> entropy_rows(std::span<const Record> records) {
  struct Answer {
    const std::vector<double>* entropy;
    std::string context;
  };
  using Answers = std::map<std::pair<std::size_t, std::size_t>, Answer>;  // by index and attempt
  CellGroups<Answers> cells(records);
  for (const Record& record : records)
    if (!record.entropy.empty())
      cells.of(record)[{record.index, record.attempt}] = {&record.entropy, context_of(record)};
  std::vector<EntropyRow> rows;
  for (const auto& cell : cells.all()) {
    const Answers &answers = cell.values, *base = cells.base_of(cell);
    std::size_t longest = 0;
    for (const auto& [sample, answer] : answers) longest = std::max(longest, answer.entropy->size());
    for (std::size_t token = 0; token < longest; ++token) {
      double sum = 0, base_sum = 0, change = 0;
      std::size_t n = 0, paired = 0;
      std::set<std::string_view> contexts, paired_contexts;
      for (const auto& [sample, answer] : answers) {
        const std::vector<double>& entropy = *answer.entropy;
        if (token >= entropy.size()) continue;
        ++n;
        contexts.insert(answer.context);
        sum += entropy[token];
        if (base == nullptr) continue;
        const auto base_answer = base->find(sample);
        if (base_answer == base->end() || token >= base_answer->second.entropy->size()) continue;
        ++paired;
        paired_contexts.insert(answer.context);
        base_sum += (*base_answer->second.entropy)[token];
        change += entropy[token] - (*base_answer->second.entropy)[token];
      }
      const auto mean = [](double total, std::size_t count) {
        return count == 0 ? Estimate::kNone : total / static_cast<double>(count);
      };
      rows.push_back({cell.model,
                      cell.label(),
                      cell.cell,
                      token,
                      {.value = mean(sum, n), .n = n, .contexts = contexts.size()},
                      mean(base_sum, paired),
                      {.value = mean(change, paired), .n = paired, .contexts = paired_contexts.size()}});
    }
  }
  return rows;
}

/// The text of entropy.csv; empty if no record has entropies.
inline std::string entropy_csv(std::span<const Record> records) {
  const std::vector<EntropyRow> rows = entropy_rows(records);
  return rows.empty() ? "" : entropy_columns().text(rows);
}

}  // namespace kvx::inline v0
