#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/progress.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/records/model_name.hpp>
#include <kvx/eval/records/pending_grades.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_order.hpp>
#include <kvx/eval/records/record_store.hpp>
#include <kvx/eval/run/analyze_kept.hpp>
#include <kvx/eval/run/missing_answers.hpp>
#include <kvx/eval/run/model_run.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/prepared_model.hpp>
#include <kvx/eval/run/task_data.hpp>
#include <kvx/eval/tables/run_times.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/press/named/registry.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Evaluates a grid of presses: each context is prefilled once for all cells, and the answers of all cells are decoded
/// as one batch. Records are appended as answers come; a run that was stopped goes on where it was.
class Evaluation {
 public:
  /// Checks everything that can be checked before the weights of a model are loaded. Throws Error.
  Evaluation(EvalOptions options, TaskRegistry tasks, const Registry& presses)
      : options_(std::move(options)), tasks_(std::move(tasks)) {
    std::vector<TaskData> data;
    for (const bool predicts : {false, true})  // the references of the others are predicted too
      for (const auto& task : options_.tasks)
        if ((tasks_.at(task).kind() == TaskKind::predicts) == predicts)
          data.push_back(TaskData(tasks_.at(task), options_, data));
    for (const std::string& id : options_.skip_ids)
      if (std::ranges::none_of(data, [&](const TaskData& some) { return std::ranges::count(some.skipped, id) > 0; }))
        throw Error("skip-ids", "expected a key, id or task_id of the data, found " + id);
    cells_ = planned_cells(options_, presses);
    RunKeys keys;
    RecordOrder order{{}, options_.tasks, {}};
    for (const auto& text : options_.models) {
      const NamedModel named = named_model(text);
      if (named.name.empty() || std::ranges::count(order.models, named.name) > 0)
        throw Error("model", "expected models of different names, found " + text);
      models_.push_back(prepare_model(named, data, cells_, options_));
      for (const TaskPrompts& task : models_.back().tasks) keys[{named.name, task.task}] = task.key;
      order.models.push_back(named.name);
    }
    for (const PlannedCell& planned : cells_) order.cells.push_back(planned.name);
    store_.emplace(options_.out, tasks_, std::move(keys), std::move(order), options_.config,
                   std::string(name_of(isa())));
  }

  /// Answers and grades what is not recorded yet, and analyzes what is kept if the options want that. Calls on_record
  /// with each new answer.
  RunTimes run(const std::function<void(const Record&)>& on_record = {}) {
    Threads threads(options_.threads);
    Progress progress(options_.generate ? "answers" : "contexts", options_.progress);
    RunTimes times;
    times.graded_later = grade_later(threads);
    times.notes = notes();
    double done = 0;
    const double work = static_cast<double>(missing()) * (1 + ModelRun::kPrefillWork) +
                        static_cast<double>(contexts_to_analyze() * cells_.size()) * ModelRun::kPrefillWork;
    for (const PreparedModel& model : models_) {
      if (missing(model) == 0 && !options_.analyze_kept) continue;
      ModelRun run(
          model, options_, tasks_, cells_, *store_, threads, times,
          [&](double some) { progress.update((done += some) / work); }, on_record);
      run.run();
      if (options_.analyze_kept) run.analyze(kept_);
    }
    progress.clear();
    store_->finish();
    return times;
  }

  /// Notes on the models for a reader, as far as they are known before the weights are loaded.
  std::vector<std::string> notes() const {
    std::vector<std::string> all;
    for (const PreparedModel& model : models_) all.insert(all.end(), model.notes.begin(), model.notes.end());
    return all;
  }

  /// Answers that are not recorded yet.
  std::size_t missing() const {
    std::size_t count = 0;
    for (const PreparedModel& model : models_) count += missing(model);
    return count;
  }

  const std::vector<PlannedCell>& cells() const { return cells_; }

  /// The records so far, in their order.
  std::vector<Record> records() const { return store_->records(); }

  /// The kept tokens that run() counted; empty unless the options want them analyzed.
  const KeptAnalysis& kept() const { return kept_; }

 private:
  /// Grades the recorded answers that could not be graded before, such as programs that were not allowed to run.
  std::size_t grade_later(Threads& threads) {
    std::vector<Record> records =
        store_->whole_records([&](const Record& r) { return tasks_.at(r.task).grades_now(r.grade.state); });
    PendingGrades pending(threads);  // which are written as they come, so that a stop loses few
    for (Record& record : records) {
      const AnyTask& task = tasks_.at(record.task);
      const auto model = std::ranges::find(models_, record.model, &PreparedModel::name);
      pending.add(
          [&record, &task, model] { return task.grade(record.sample, record.predicted_answer, model->reading); },
          [this, &record](Grade grade) {
            record.grade = std::move(grade);
            store_->replace(record);
          });
    }
    pending.finish();
    return records.size();
  }

  std::size_t contexts_to_analyze() const {
    std::size_t count = 0;
    for (const PreparedModel& model : models_)
      for (const TaskPrompts& task : model.tasks) count += options_.analyze_kept ? task.groups.size() : 0;
    return count;
  }
  std::size_t missing(const PreparedModel& model) const {
    return missing_answers(model, cells_, *store_, tasks_, options_);
  }

  EvalOptions options_;
  TaskRegistry tasks_;
  std::vector<PlannedCell> cells_;
  std::vector<PreparedModel> models_;
  std::optional<RecordStore> store_;
  KeptAnalysis kept_;
};

}  // namespace kvx::inline v0
