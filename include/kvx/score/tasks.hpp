#pragma once

#include <kvx/score/code_exec.hpp>
#include <kvx/score/ifeval/ifeval_task.hpp>
#include <kvx/score/latency.hpp>
#include <kvx/score/leakage/leakage_task.hpp>
#include <kvx/score/perplexity.hpp>
#include <kvx/score/registry.hpp>
#include <kvx/score/tool_call.hpp>

#include <tuple>

namespace kvx::inline v0 {

/// Every task of kvx; the drivers, the help text and the tests walk this list.
using Tasks = std::tuple<ToolCallTask, CodeExecTask, IfevalTask, LeakageTask, PerplexityTask, LatencyTask>;

/// A registry of kvx's own tasks, to which others can be added.
inline TaskRegistry kvx_tasks(const Tasks& tasks = Tasks()) {
  TaskRegistry registry;
  std::apply([&](const auto&... task) { (registry.add(task), ...); }, tasks);
  return registry;
}

}  // namespace kvx::inline v0
