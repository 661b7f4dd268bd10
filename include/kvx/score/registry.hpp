#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/near_miss.hpp>
#include <kvx/score/task.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Tasks by name; kvx_tasks() has those of kvx.
class TaskRegistry {
 public:
  /// Throws Error when its name is taken.
  template <GradesAnswers T>
  void add(T added = T()) {
    for (const AnyTask& task : tasks_)
      if (task.name() == T::name) throw Error("task " + std::string(T::name), "there is one of this name");
    tasks_.emplace_back(std::move(added));
  }

  const std::vector<AnyTask>& tasks() const { return tasks_; }

  /// Throws Error with the nearest name when there is no such task.
  const AnyTask& at(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const AnyTask& task : tasks_) {
      if (task.name() == name) return task;
      names.push_back(task.name());
    }
    throw Error("task '" + std::string(name) + "'", "unknown task" + near_miss(name, names));
  }

 private:
  std::vector<AnyTask> tasks_;
};

}  // namespace kvx::inline v0
