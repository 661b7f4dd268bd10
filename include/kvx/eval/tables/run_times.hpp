#pragma once

#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/results.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// What the answers of one cell to one group of samples took.
struct CellTimes {
  std::string model, task, group;
  CellName cell;
  std::size_t answer_tokens = 0;
  double seconds = 0;  ///< its share of the batch's steps, by rows
};

/// What a run took; it stands beside the results, never in them.
struct RunTimes {
  double load_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  std::size_t context_tokens = 0, answer_tokens = 0, answers = 0;
  std::size_t graded_later = 0;    ///< recorded answers that this run graded later
  double read_bandwidth = 0;       ///< of the machine, in bytes per second; 0 where no generation was timed
  std::vector<CellTimes> cells;    ///< cells that this run answered from
  std::vector<std::string> notes;  ///< notes on the models, for a reader

  void count(const CellTimes& answer) {
    answer_tokens += answer.answer_tokens;
    const auto same = [&](const CellTimes& cell) {
      return std::tie(cell.model, cell.task, cell.group, cell.cell) ==
             std::tie(answer.model, answer.task, answer.group, answer.cell);
    };
    const auto found = std::find_if(cells.begin(), cells.end(), same);
    if (found == cells.end()) {
      cells.push_back(answer);
      return;
    }
    found->answer_tokens += answer.answer_tokens;
    found->seconds += answer.seconds;
  }

  /// None for a cell that this run did not answer from.
  std::optional<double> tokens_per_second(const CellResult& of) const {
    for (const CellTimes& cell : cells)
      if (cell.model == of.model && cell.task == of.task && cell.group == of.group && cell.cell == of.cell)
        return static_cast<double>(cell.answer_tokens) / cell.seconds;
    return std::nullopt;
  }
};

}  // namespace kvx::inline v0
