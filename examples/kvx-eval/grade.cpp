// kvx-eval grade: grades the answers of a file, without a model.
#include <CLI/CLI.hpp>
#include <kvx/eval/run/grade_file.hpp>
#include <kvx/score/tasks.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include "cli/task_options.hpp"
#include "cli/yaml_options.hpp"
#include "commands.hpp"
#include "reading_options.hpp"

namespace kvx_eval {

int grade(const std::vector<std::string>& words) {
  kvx::GradeOptions grading;
  ReadingOptions reading;
  kvx_cli::BoundOptions options;
  kvx_cli::Texts given;
  std::string task, path, config;
  CLI::App app("Grades answers, such as another engine's: prints a line of JSON for each model, press and ratio.",
               "kvx-eval grade");
  app.add_option("task", task, "such as tool_call")->required();
  app.add_option("file", path, "JSONL with a task's columns and predicted_answer")->required();
  app.add_option("--config", config, kvx_cli::kConfigHelp);
  kvx::TaskRegistry tasks;
  try {
    options.add("threads", grading.threads, "0 takes every core", 0, 1024);
    add_reading_options(options, reading);
    kvx_cli::add_task_options(options);
    options.declare(app, given);
    app.parse(std::vector(words.rbegin(), words.rend()));
    kvx_cli::Texts texts = kvx_cli::defaults_and_file(config, options);
    for (const auto& [name, text] : given) texts[name] = text;
    options.read(texts);
    grading.thoughts = reading.thoughts;
    grading.tool_forms = reading.tool_forms;
    tasks = kvx_cli::make_tasks(texts);
    (void)tasks.at(task);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    return fail(error, 2);
  }
  try {
    print_notices(tasks, {task});
    const kvx::GradedFile graded = kvx::grade_file(tasks, task, path, grading);
    for (const auto& [other, count] : graded.others)
      std::fprintf(stderr, "kvx-eval: %s: skipped %zu answers of %s\n", path.c_str(), count, other.c_str());
    print(graded.json + "\n");
  } catch (const std::exception& error) {
    return fail(error, 1);
  }
  return 0;
}

}  // namespace kvx_eval
