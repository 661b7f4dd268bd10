#pragma once

#include <kvx/eval/records/record_store.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/prepared_model.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/task_data.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <cstddef>
#include <span>

namespace kvx::inline v0 {

/// The number of answers to each sample of a task.
inline std::size_t attempts_of(const AnyTask& task, const EvalOptions& options) {
  return task.kind() == TaskKind::answers ? options.attempts : 1;
}

/// Calls f(cell, prompt, attempt) for each answer of a group that is not recorded. `cell` and `prompt` are indices.
template <class F>
void each_missing(const PreparedModel& model, const TaskPrompts& task, const PromptGroup& group,
                  std::span<const PlannedCell> cells, const RecordStore& store, std::size_t attempts, F&& f) {
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (cells[c].name.query_aware != group.query_aware) continue;
    for (std::size_t p = 0; p < group.prompts.size(); ++p)
      for (std::size_t attempt = 0; attempt < attempts; ++attempt)
        if (!store.contains(model.name, task.task, cells[c].name, group.prompts[p].sample, attempt)) f(c, p, attempt);
  }
}

/// The number of a model's answers that are not recorded.
inline std::size_t missing_answers(const PreparedModel& model, std::span<const PlannedCell> cells,
                                   const RecordStore& store, const TaskRegistry& tasks, const EvalOptions& options) {
  std::size_t count = 0;
  if (!options.generate) return count;
  for (const TaskPrompts& task : model.tasks)
    for (const PromptGroup& group : task.groups)
      each_missing(model, task, group, cells, store, attempts_of(tasks.at(task.task), options),
                   [&](std::size_t, std::size_t, std::size_t) { ++count; });
  return count;
}

}  // namespace kvx::inline v0
