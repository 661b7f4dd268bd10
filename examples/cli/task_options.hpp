#pragma once

#include <kvx/score/task_option.hpp>
#include <kvx/score/tasks.hpp>

#include <string>

#include "bound_options.hpp"
#include "example_folder.hpp"

namespace kvx_cli {

/// Adds the options of all tasks, in a group for each set of tasks. make_tasks() makes tasks of their texts.
inline void add_task_options(BoundOptions& options) {
  for (const kvx::OptionText& task_option : kvx::kvx_task_options()) {
    std::string group, names = task_option.name;
    for (const auto& task : task_option.tasks) group.append(group.empty() ? "" : ", ").append(task);
    options.group(group);
    if (!task_option.aliases.empty()) names.append(",").append(task_option.aliases);
    const std::string example =
        task_option.example.empty() ? "" : " (default: " + example_data(task_option.example) + ")";
    BoundOption& option =
        options.add_function(names, task_option.preset, task_option.help + example, [](const std::string&) {});
    option.is_switch = task_option.is_switch;
    option.is_in_files = !task_option.is_switch;
  }
}

/// The tasks with these options. A file that is not given is that of the example data. Throws kvx::Error for a wrong
/// value.
inline kvx::TaskRegistry make_tasks(Texts texts) {
  for (const kvx::OptionText& task_option : kvx::kvx_task_options())
    if (!task_option.example.empty() && texts[task_option.name].empty())
      texts[task_option.name] = example_data(task_option.example);
  return kvx::kvx_tasks(texts);
}

}  // namespace kvx_cli
