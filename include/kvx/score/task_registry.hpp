#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Tasks by name; kvx_tasks() has those of kvx.
class TaskRegistry {
 public:
  /// Adds a task. Throws Error if a task of this name is registered already, or if a hidden metric comes before a shown
  /// one.
  template <GradesAnswers T>
  void add(T added = T()) {
    for (const AnyTask& task : tasks_)
      if (task.name() == T::name)
        throw Error("task " + std::string(T::name), "expected a new name, found one that is registered already");
    const std::span<const Metric> metrics = T::metrics();
    if (!std::ranges::is_partitioned(metrics, [](const Metric& metric) { return metric.shown; }))
      throw Error("task " + std::string(T::name), "expected hidden metrics last, found one before a shown one");
    tasks_.emplace_back(std::move(added));
  }

  const std::vector<AnyTask>& tasks() const { return tasks_; }

  /// The forms of rows that any of the tasks reads.
  std::vector<RowForm> row_forms() const {
    std::vector<RowForm> forms;
    for (const AnyTask& task : tasks_) forms.insert(forms.end(), task.row_forms().begin(), task.row_forms().end());
    return forms;
  }

  /// The task called `name`; nullptr if there is none.
  const AnyTask* find(std::string_view name) const {
    for (const AnyTask& task : tasks_)
      if (task.name() == name) return &task;
    return nullptr;
  }

  /// The task called `name`. Throws Error, naming the nearest name, if there is none.
  const AnyTask& at(std::string_view name) const {
    if (const AnyTask* task = find(name)) return *task;
    std::vector<std::string_view> names;
    for (const AnyTask& task : tasks_) names.push_back(task.name());
    throw Error("task '" + std::string(name) + "'", "unknown task" + near_miss(name, names));
  }

 private:
  std::vector<AnyTask> tasks_;
};

}  // namespace kvx::inline v0
