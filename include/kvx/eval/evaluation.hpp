#pragma once

#include <kvx/core/progress.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/missing_answers.hpp>
#include <kvx/eval/model_run.hpp>
#include <kvx/eval/options.hpp>
#include <kvx/eval/planned_cells.hpp>
#include <kvx/eval/prepared_model.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/record_order.hpp>
#include <kvx/eval/record_store.hpp>
#include <kvx/eval/run_times.hpp>
#include <kvx/eval/task_data.hpp>
#include <kvx/press/registry.hpp>
#include <kvx/score/registry.hpp>
#include <kvx/score/task.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Evaluates a grid of presses: each context is prefilled once for all cells, and the answers of all cells are decoded
/// as one batch. Records are appended as answers come; a run that was stopped goes on where it was.
class Evaluation {
 public:
  /// Checks everything that can be checked before the weights of a model are loaded. Throws Error.
  Evaluation(EvalOptions options, TaskRegistry tasks, const Registry& presses = {})
      : options_(std::move(options)), tasks_(std::move(tasks)) {
    std::vector<TaskData> data;
    for (const bool predicts : {false, true})  // the references of the others are predicted too
      for (const auto& task : options_.tasks)
        if ((tasks_.at(task).kind() == TaskKind::predicts) == predicts)
          data.push_back(TaskData(tasks_.at(task), options_, data));
    cells_ = planned_cells(options_, presses);
    RunKeys keys;
    for (const auto& name : options_.models) {
      models_.push_back(prepare_model(name, data, cells_, options_));
      for (const TaskPrompts& task : models_.back().tasks) keys[{name, task.task}] = task.key;
    }
    RecordOrder order{options_.models, options_.tasks, {}};
    for (const PlannedCell& planned : cells_) order.cells.push_back(planned.name);
    store_.emplace(options_.out, std::move(keys), std::move(order), options_.config);
  }

  /// Answers and grades what is not recorded yet.
  RunTimes run() {
    Threads threads(options_.threads);
    Progress progress("answers");
    RunTimes times;
    double done = 0;
    const double work = static_cast<double>(missing()) * (1 + ModelRun::kPrefillWork);
    for (const PreparedModel& model : models_)
      if (missing(model) > 0)
        ModelRun(model, options_, tasks_, cells_, *store_, threads, times, [&](double some) {
          progress.update((done += some) / work);
        }).run();
    progress.clear();
    store_->finish();
    return times;
  }

  /// Answers that are not recorded yet.
  std::size_t missing() const {
    std::size_t count = 0;
    for (const PreparedModel& model : models_) count += missing(model);
    return count;
  }

  /// The records so far, in their order.
  std::vector<Record> records() const { return store_->records(); }

 private:
  std::size_t missing(const PreparedModel& model) const {
    return missing_answers(model, cells_, *store_, tasks_, options_);
  }

  EvalOptions options_;
  TaskRegistry tasks_;
  std::vector<PlannedCell> cells_;
  std::vector<PreparedModel> models_;
  std::optional<RecordStore> store_;
};

}  // namespace kvx::inline v0
