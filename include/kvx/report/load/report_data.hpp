#pragma once

#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/model_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/load/distinct.hpp>
#include <kvx/report/load/report_rows.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>
#include <kvx/score/tasks.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The label of a task in files, and the name of one of its metrics.
struct TaskMetric {
  std::string task, metric;
};

/// All data of a report. Models, tasks and cells are in the order of the files.
struct ReportData {
  TaskRegistry registry = kvx_tasks();  ///< describes the metrics and states in the files; files may have other tasks
  std::vector<ResultRow> figures;
  std::vector<CellDegradation> degradations;
  std::vector<Record> records;  ///< without their contexts
  std::vector<GroupResult> groups;
  std::vector<KeptShare> kept_shares;
  std::vector<KeptLayers> kept_layers;
  std::vector<AnswerEntropy> entropies;
  std::vector<KeptText> prompts;
  std::vector<RunFacts> runs;

  const ResultRow* find(std::string_view model, std::string_view task, const CellName& cell,
                        std::string_view metric) const {
    const auto found = std::find_if(figures.begin(), figures.end(), [&](const ResultRow& f) {
      return f.figure.name == metric && f.task == task && f.model == model && f.cell == cell;
    });
    return found == figures.end() ? nullptr : &*found;
  }

  std::vector<std::string> models() const { return distinct(figures, &ResultRow::model); }
  /// The tasks of a model; if a metric is given, only the tasks that have it.
  std::vector<std::string> tasks(std::string_view model, std::string_view metric = {}) const {
    return distinct(figures, &ResultRow::task, [&](const ResultRow& f) {
      return f.model == model && (metric.empty() || f.figure.name == metric);
    });
  }
  /// The task that a label such as `tool_call_2` or `perplexity/story` belongs to; null for one that is not registered.
  const AnyTask* task_of(std::string_view label) const {
    const AnyTask* found = nullptr;
    for (const AnyTask& task : registry.tasks()) {
      const std::string_view name = task.name();
      const bool matches = label.starts_with(name) &&
                           (label.size() == name.size() || label[name.size()] == '_' || label[name.size()] == '/');
      if (matches && (found == nullptr || found->name().size() < name.size())) found = &task;
    }
    return found;
  }
  /// The names of the metrics that measure whether a task's answers work. The metric that decides comes first. Empty
  /// for a task that is not registered.
  std::vector<std::string> function_metrics(std::string_view label) const {
    const AnyTask* task = task_of(label);
    if (task == nullptr) return {};
    const auto names = kvx::function_metrics(task->metrics());
    return {names.begin(), names.end()};
  }
  /// The tasks of a model that have figures of a metric with that role. A task's summaries come before its metrics of
  /// answers.
  std::vector<TaskMetric> with_role(std::string_view model, Role role) const {
    std::vector<TaskMetric> found;
    for (const std::string& label : tasks(model))
      if (const AnyTask* task = task_of(label); task != nullptr)
        for (const auto described : {task->summary_metrics(), task->metrics()})
          for (const std::string& name : metrics(model, label))
            if (const Metric* metric = find_metric(described, name); metric != nullptr && metric->role == role)
              if (found.empty() || found.back().task != label) found.push_back({label, name});
    return found;
  }
  std::vector<std::string> metrics(std::string_view model, std::string_view task) const {
    return distinct(
        figures, [](const ResultRow& f) { return f.figure.name; },
        [&](const ResultRow& f) { return f.model == model && f.task == task; });
  }
  std::vector<CellName> cells(std::string_view model, std::string_view task) const {
    return distinct(figures, &ResultRow::cell, [&](const ResultRow& f) { return f.model == model && f.task == task; });
  }
  /// The methods of all models and tasks without the base, so that a method has the same place and color in every
  /// picture.
  std::vector<CellName> methods() const {
    return distinct(
        figures, [](const ResultRow& f) { return f.cell.method(); },
        [](const ResultRow& f) { return !f.cell.is_base(); });
  }

  /// The result of short_model_name() among all models.
  std::string short_name(const std::string& model) const { return short_model_name(model, models()); }
};

/// A task's label without the part up to the first slash: `story` for `perplexity/story`.
inline std::string data_set(const std::string& task) { return task.substr(task.find('/') + 1); }

}  // namespace kvx::inline v0
