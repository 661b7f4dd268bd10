#pragma once

#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_order.hpp>
#include <kvx/score/task_registry.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/two_metrics.hpp"

/// The order of grid_records().
inline kvx::RecordOrder grid_order() { return {{"z", "a"}, {"t"}, {{"none", 0}, {"snapkv", 0.5}, {"knorm", 0.25}}}; }

/// The task of grid_records().
inline kvx::TaskRegistry grid_tasks() {
  kvx::TaskRegistry tasks;
  tasks.add<TwoMetrics>();
  return tasks;
}

/// All records of a small grid, in the order of grid_order(). The task is `t`, with metrics `b` and `a`.
inline std::vector<kvx::Record> grid_records(std::size_t samples) {
  std::vector<kvx::Record> records;
  for (const auto& model : grid_order().models)
    for (const auto& [press, ratio, budget, query_aware] : grid_order().cells)
      for (std::size_t i = 0; i < samples; ++i) {
        kvx::Record record{"0123456789abcdef", model, "t", press, ratio, i};
        record.sample = {"the context " + std::to_string(i) + "\n\"q\"", "why?", "", "because", "t", 8};
        record.predicted_answer = press + std::string(i % 7, '\n');
        record.grade.state = i % 3 == 0 ? "exact" : "unparsed";
        record.grade.metrics = {i % 2 == 0 ? std::optional(double(i % 4) / 3) : std::nullopt, double(i % 3 == 0)};
        record.kept_bytes = 1000 - i;
        record.full_bytes = 1000;
        records.push_back(std::move(record));
      }
  return records;
}
