#pragma once

#include <kvx/eval/cell_fields.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/cell_ratios.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/io/csv_field.hpp>
#include <kvx/io/number_text.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Where the driver writes it.
inline constexpr std::string_view kEntropyCsv = "entropy.csv";

/// The uncertainty of each cell's answers, token by token: one line per cell and place of a token, from 0. `entropy` is
/// the mean in nats over the `n` answers that reach this token; they are about `contexts` contexts. `paired` answers
/// have an answer of the base to the same sample that reaches the token too: `base` is the mean entropy of the base's
/// answers, and `change` that of the difference.
inline std::string entropy_csv(std::span<const Record> records) {
  using CellKey = std::tuple<std::string, std::string, std::string, CellName>;
  using AnswerKey = std::pair<std::size_t, std::size_t>;  // index and attempt
  struct Answer {
    const std::vector<double>* entropy;
    std::string context;
  };
  std::vector<std::pair<CellKey, std::map<AnswerKey, Answer>>> cells;
  std::map<CellKey, std::size_t> places;
  const CellRatios ratios(records);
  for (const Record& record : records) {
    if (record.entropy.empty()) continue;
    const CellKey key = {record.model, record.task, record.sample.task, ratios.cell_of(record)};
    const auto [place, is_new] = places.try_emplace(key, cells.size());
    if (is_new) cells.push_back({key, {}});
    cells[place->second].second[{record.index, record.attempt}] = {&record.entropy, context_of(record)};
  }
  if (cells.empty()) return {};
  std::string text =
      "model,press,compression_ratio,budget,query_aware,task,token,entropy,n,contexts,base,change,paired\n";
  for (const auto& [key, answers] : cells) {
    const auto& [model, task, data, cell] = key;
    const auto base = places.find({model, task, data, CellName::base()});
    std::size_t longest = 0;
    for (const auto& [sample, answer] : answers) longest = std::max(longest, answer.entropy->size());
    for (std::size_t token = 0; token < longest; ++token) {
      double sum = 0, base_sum = 0, change = 0;
      std::size_t n = 0, paired = 0;
      std::set<std::string_view> contexts;
      for (const auto& [sample, answer] : answers) {
        const std::vector<double>& entropy = *answer.entropy;
        if (token >= entropy.size()) continue;
        ++n;
        contexts.insert(answer.context);
        sum += entropy[token];
        if (base == places.end()) continue;
        const auto& others = cells[base->second].second;
        const auto other = others.find(sample);
        if (other == others.end() || token >= other->second.entropy->size()) continue;
        ++paired;
        base_sum += (*other->second.entropy)[token];
        change += entropy[token] - (*other->second.entropy)[token];
      }
      const auto mean = [](double total, std::size_t of) {
        return of == 0 ? std::numeric_limits<double>::quiet_NaN() : total / static_cast<double>(of);
      };
      text += csv_line({csv_field(model), cell_fields(cell), csv_field(data_label(task, data)), std::to_string(token),
                        six_digits(mean(sum, n)), std::to_string(n), std::to_string(contexts.size()),
                        paired == 0 ? "" : six_digits(mean(base_sum, paired)),
                        paired == 0 ? "" : six_digits(mean(change, paired)), std::to_string(paired)});
    }
  }
  return text;
}

}  // namespace kvx::inline v0
