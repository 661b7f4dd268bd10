#pragma once

#include <kvx/score/code_exec/code_exec.hpp>
#include <kvx/score/ifeval/ifeval_task.hpp>
#include <kvx/score/latency.hpp>
#include <kvx/score/leakage/leakage_task.hpp>
#include <kvx/score/perplexity.hpp>
#include <kvx/score/task_option.hpp>
#include <kvx/score/task_registry.hpp>
#include <kvx/score/tool_call/tool_call.hpp>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// All tasks of kvx. The drivers, the help text and the tests use this list.
using Tasks = std::tuple<ToolCallTask, CodeExecTask, PerplexityTask, LatencyTask, IfevalTask, LeakageTask>;

namespace detail {

/// Calls f with a null pointer to each type of a tuple.
template <class... T>
void each_type(const std::tuple<T...>*, auto&& f) {
  (f(static_cast<T*>(nullptr)), ...);
}

}  // namespace detail

/// A registry of kvx's own tasks with these options. Other tasks can be added to it. Throws Error, naming the option,
/// for an invalid value.
inline TaskRegistry kvx_tasks(const OptionTexts& options = {}) {
  TaskRegistry registry;
  detail::each_type(static_cast<const Tasks*>(nullptr),
                    [&]<class T>(const T*) { registry.add(make_task<T>(options)); });
  return registry;
}

/// The options of kvx's own tasks, each once.
inline std::vector<OptionText> kvx_task_options() {
  std::vector<OptionText> all;
  detail::each_type(static_cast<const Tasks*>(nullptr), [&]<class T>(const T*) {
    for (OptionText& option : options_of<T>()) {
      const auto found = std::ranges::find(all, option.name, &OptionText::name);
      if (found == all.end()) {
        all.push_back(std::move(option));
        continue;
      }
      found->tasks.insert(found->tasks.end(), option.tasks.begin(), option.tasks.end());
    }
  });
  return all;
}

}  // namespace kvx::inline v0
