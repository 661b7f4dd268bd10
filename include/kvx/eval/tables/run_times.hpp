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

/// The time that the answers of one cell to one group of samples took.
struct CellTimes {
  std::string model, task, group;
  CellName cell;
  std::size_t answer_tokens = 0;
  double seconds = 0;  ///< of the batch's steps, each divided among the cells in proportion to their rows
};

/// The times and counts of a run. They are written to kRunFile, never to the results.
struct RunTimes {
  double load_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  std::size_t context_tokens = 0, answer_tokens = 0, answers = 0;
  std::size_t graded_later = 0;    ///< recorded answers that this run graded later
  double read_bandwidth = 0;       ///< of the machine, in bytes per second; 0 if no generation was timed
  std::vector<CellTimes> cells;    ///< the cells for which this run decoded answers
  std::vector<std::string> notes;  ///< notes on the models, for the user

  /// Adds the tokens and seconds of an answer to its cell.
  void count(const CellTimes& answer) {
    answer_tokens += answer.answer_tokens;
    const auto is_same_cell = [&](const CellTimes& cell) {
      return std::tie(cell.model, cell.task, cell.group, cell.cell) ==
             std::tie(answer.model, answer.task, answer.group, answer.cell);
    };
    const auto found = std::find_if(cells.begin(), cells.end(), is_same_cell);
    if (found == cells.end()) {
      cells.push_back(answer);
      return;
    }
    found->answer_tokens += answer.answer_tokens;
    found->seconds += answer.seconds;
  }

  /// The decoding speed of a cell; none if this run decoded no answer for it.
  std::optional<double> tokens_per_second(const CellResult& result) const {
    for (const CellTimes& cell : cells)
      if (cell.model == result.model && cell.task == result.task && cell.group == result.group &&
          cell.cell == result.cell)
        return static_cast<double>(cell.answer_tokens) / cell.seconds;
    return std::nullopt;
  }
};

}  // namespace kvx::inline v0
