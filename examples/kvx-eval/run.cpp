// kvx-eval run: answers, predicts or times a grid of presses, and writes records and results.
#include <CLI/CLI.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/run/evaluation.hpp>
#include <kvx/eval/run/write_results.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/eval/tables/groups_markdown.hpp>
#include <kvx/eval/tables/latency_text.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/report_markdown.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/eval/tables/run_times_json.hpp>
#include <kvx/score/tasks.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/version.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/task_options.hpp"
#include "cli/yaml_options.hpp"
#include "commands.hpp"
#include "run_options.hpp"

namespace kvx_eval {

namespace {

using kvx_cli::Texts;

/// The options of the command line, before those of the file `config`, before the defaults. Throws kvx::Error.
Texts settled(const Texts& given, const std::string& config, const kvx_cli::BoundOptions& options) {
  Texts texts = kvx_cli::defaults_and_file(config, options);
  // A budget on the command line replaces a budget of another kind in the file.
  if (given.contains("keep") || given.contains("kv-bytes")) texts.erase("ratio");
  if (given.contains("ratio")) {
    texts.erase("keep");
    texts.erase("kv-bytes");
  }
  for (const auto& [name, text] : given) texts[name] = text;
  if (!texts.contains("ratio") && !texts.contains("keep") && !texts.contains("kv-bytes"))
    texts["ratio"] = kDefaultRatios;
  if (texts.contains("ratio") && (texts.contains("keep") || texts.contains("kv-bytes")))
    throw kvx::Error("ratio", "expected alone, found with keep or kv-bytes");
  return texts;
}

void evaluate(const RunOptions& options, const kvx::TaskRegistry& tasks) {
  const bool is_quiet = options.log_level == "error";
  kvx::Evaluation evaluation(options.eval, tasks, kvx::kvx_presses());
  if (const auto ignored = kvx::ignored_budgets(evaluation.cells(), options.eval.ratios); !ignored.empty() && !is_quiet)
    std::fprintf(stderr, "%s", ignored.c_str());
  const std::string out = options.eval.out + "/";
  const std::string config_file = out + std::string(kvx::kConfigFile);
  if (evaluation.missing() > 0 || options.eval.analyze_kept || !std::filesystem::exists(config_file))
    kvx::replace_file(config_file, options.eval.config);
  std::function<void(const kvx::Record&)> on_record;
  if (options.log_level == "debug")
    on_record = [](const kvx::Record& record) {
      std::fprintf(stderr, "%s %s ratio %g sample %zu: %s\n", record.task.c_str(), record.cell().label().c_str(),
                   record.ratio, record.index, record.grade.state.c_str());
    };
  std::size_t printed = 0;
  const auto print_notes = [&](const std::vector<std::string>& notes) {
    for (; printed < notes.size() && !is_quiet; ++printed) std::fprintf(stderr, "note: %s\n", notes[printed].c_str());
  };
  print_notes(evaluation.notes());
  const kvx::RunTimes times = evaluation.run(on_record);
  print_notes(times.notes);

  const std::vector<kvx::Record> records = evaluation.records();
  const auto cells = kvx::score_cells(tasks, records);
  const auto groups = kvx::part_groups(tasks, records);
  kvx::write_results(options.eval.out, tasks, cells, records, groups, evaluation.kept());
  const std::string run_file = out + std::string(kvx::kRunFile);
  if (times.answers > 0 || !std::filesystem::exists(run_file))
    kvx::replace_file(run_file, kvx::run_times_json(times, kvx::CellRatios(records)));
  auto answered = cells;
  std::erase_if(answered, [&](const auto& cell) { return tasks.at(cell.task).kind() == kvx::TaskKind::is_timed; });
  if (!answered.empty())
    print(kvx::report_markdown(answered, [&](const auto& cell) { return times.tokens_per_second(cell); }));
  if (const auto table = kvx::latency_markdown(tasks, cells); !table.empty())
    print((answered.empty() ? "" : "\n") + table);
  if (const auto degraded = kvx::degradations(tasks, records); !degraded.empty()) {
    kvx::replace_file(out + "degradation.csv", kvx::degradation_csv(degraded));
    print("\n" + kvx::degradation_markdown(degraded));
  }
  for (const auto& task : tasks.tasks())
    if (const auto table = kvx::groups_markdown(groups, task); !table.empty()) print("\n" + table);
  if (is_quiet) return;
  if (times.graded_later > 0) std::fprintf(stderr, "\n%zu recorded answers were graded now", times.graded_later);
  if (times.read_bandwidth > 0) std::fprintf(stderr, "\nthis machine reads %.1f GB/s", times.read_bandwidth * 1e-9);
  std::fprintf(
      stderr, "\n%zu new answers: load %.1f s, prefill %.1f s (%zu tokens), decode %.1f s (%.0f tokens/s); all in %s\n",
      times.answers, times.load_seconds, times.prefill_seconds, times.context_tokens, times.decode_seconds,
      static_cast<double>(times.answer_tokens) / std::max(times.decode_seconds, 1e-9), out.c_str());
}

}  // namespace

int run(const std::vector<std::string>& words) {
  RunOptions run_options;
  kvx_cli::BoundOptions options;
  std::string config;
  Texts given;
  bool print_config = false, list_presses = false, list_tasks = false, list_templates = false;
  CLI::App app(
      "Evaluates a grid of presses: kvx-eval [run] TASK[,TASK...] --out DIR.\n"
      "Other commands: kvx-eval grade grades another engine's answers, kvx-eval plan prints how many contexts a study "
      "needs; each has --help.",
      "kvx-eval");
  app.set_version_flag("--version", std::string(kvx::kVersion));
  app.add_option("--config", config, kvx_cli::kConfigHelp);
  app.add_flag("--print-config", print_config, "print the options as YAML and stop");
  app.add_flag("--list-presses", list_presses, "print each press with its parameters and its paper");
  app.add_flag("--list-tasks", list_tasks, "print the tasks");
  app.add_flag("--list-templates", list_templates, "print the chat templates that need no Jinja2, with their models");
  kvx::TaskRegistry tasks;
  try {
    run_options.add_to(options);
    kvx_cli::add_task_options(options);
    // The tasks have no flag: they are the word on the command line.
    options.add_function("tasks", std::nullopt, "TASK[,TASK...]",
                         [&](const std::string& text) { run_options.eval.tasks = list(text); });
    options.declare(app, given, "tasks");
    app.parse(std::vector(words.rbegin(), words.rend()));
    if (list_presses || list_tasks || list_templates) {
      tasks = kvx::kvx_tasks();
    } else {
      const Texts texts = settled(given, config, options);
      if (!texts.contains("tasks")) throw kvx::Error("tasks", "expected a task, such as tool_call; found none");
      tasks = kvx_cli::make_tasks(texts);
      run_options.eval.config = kvx_cli::yaml_text(texts, options);
      options.read(texts);
      if (!print_config) run_options.settle(tasks);
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    return fail(error, 2);
  }
  try {
    if (list_presses) {
      print(kvx::kvx_presses().listing());
    } else if (list_tasks) {
      for (const auto& task : tasks.tasks()) print(std::string(task.name()) + "\n");
    } else if (list_templates) {
      print(kvx::native_templates_text());
    } else if (print_config) {
      print(run_options.eval.config);
    } else {
      run_options.find_files(tasks);
      print_notices(tasks, run_options.eval.tasks);
      evaluate(run_options, tasks);
    }
  } catch (const std::exception& error) {
    return fail(error, 1);
  }
  return 0;
}

}  // namespace kvx_eval
