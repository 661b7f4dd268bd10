#pragma once

#include <kvx/score/registry.hpp>
#include <kvx/score/tool_call.hpp>

#include <tuple>

namespace kvx::inline v0 {

/// Every task of kvx; the drivers, the help text and the tests walk this list.
using Tasks = std::tuple<ToolCallTask>;

/// A registry of kvx's own tasks, to which others can be added.
inline TaskRegistry kvx_tasks() {
  TaskRegistry registry;
  std::apply([&]<class... T>(const T&...) { (registry.add<T>(), ...); }, Tasks());
  return registry;
}

}  // namespace kvx::inline v0
