#pragma once

#include <kvx/score/task_option.hpp>
#include <kvx/score/tasks.hpp>

#include <string>

#include "bound_options.hpp"
#include "example_folder.hpp"

namespace kvx_cli {

/// Adds the options of all tasks, in a group for each set of tasks. Their texts make tasks: kvx::kvx_tasks(texts).
inline void add_task_options(BoundOptions& options) {
  for (const kvx::OptionText& task_option : kvx::kvx_task_options()) {
    std::string group, names = task_option.name;
    for (const auto& task : task_option.tasks) group.append(group.empty() ? "" : ", ").append(task);
    options.group(group);
    if (!task_option.aliases.empty()) names.append(",").append(task_option.aliases);
    BoundOption& option = options.add_function(
        names, task_option.example.empty() ? task_option.preset : example_data(task_option.example), task_option.help,
        [](const std::string&) {});
    option.is_switch = task_option.is_switch;
    option.is_in_files = !task_option.is_switch;
  }
}

}  // namespace kvx_cli
