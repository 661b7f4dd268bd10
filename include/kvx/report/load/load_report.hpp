#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/eval/kept/kept_text.hpp>
#include <kvx/eval/kept/kv_metrics.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_lines.hpp>
#include <kvx/eval/records/record_store.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/eval/tables/entropy_table.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/jsonl.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/load/load_entropies.hpp>
#include <kvx/report/load/load_groups.hpp>
#include <kvx/report/load/load_kept.hpp>
#include <kvx/report/load/load_prompts.hpp>
#include <kvx/report/load/record_names.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/seen_rows.hpp>
#include <kvx/report/load/time_metric.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>
#include <kvx/score/tasks.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Collects the rows of all files. A row that repeats is added once.
class ReportLoader {
 public:
  explicit ReportLoader(TaskRegistry tasks) { data.registry = std::move(tasks); }

  ReportData data;

  void load_results(const CsvTable& csv) {
    const std::vector<ResultRow> rows = results_columns().rows(csv);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const ResultRow& row = rows[i];
      // Two runs on the same samples have the same base, so a row may repeat with the same value over as many samples.
      const Estimate& stored = add(row).figure;
      const char* const other = six_digits(stored.value) != six_digits(row.figure.value) ? "value"
                                : stored.n != row.figure.n                               ? "n"
                                : stored.contexts != row.figure.contexts                 ? "number of contexts"
                                                                                         : nullptr;
      if (other != nullptr)
        throw Error(csv.where(i), "expected each cell's metric once, found " + row.figure.name + " of " +
                                      row.cell.label() + " again, with another " + other);
    }
  }

  /// Adds perplexity and times as figures of the tasks that measure them. Figures that results.csv already has are not
  /// changed.
  void load_kv_metrics(const CsvTable& csv) {
    const std::vector<TimeMetric> times = time_metrics(data.registry);
    for (const KvMetrics& row : kv_metrics_columns().rows(csv)) {
      const std::string model = full_name(row.model);
      // Each context of these tasks is one sample.
      const auto add_figure = [&](const std::string& task, const std::string& metric, double value, std::size_t n) {
        if (!std::isnan(value))
          add({model, task + "/" + row.dataset, row.cell, {.name = metric, .value = value, .n = n, .contexts = n}});
      };
      for (const AnyTask& task : data.registry.tasks())
        if (const Metric* perplexity = find_role(task.summary_metrics(), Role::perplexity)) {
          add_figure(std::string(task.name()), std::string(perplexity->name), row.measured[0], row.ppl_contexts);
          add_figure(std::string(task.name()), "ppl_delta", row.against_base[0], row.ppl_contexts);
        }
      for (std::size_t m = 1; m < row.measured.size(); ++m)
        for (const TimeMetric& metric : times)
          if (metric.name == KvMetrics::kMeasured[m])
            add_figure(metric.task, std::string(metric.summary.name), row.measured[m], row.contexts);
      for (std::size_t m = 1; m < row.against_base.size() && !times.empty(); ++m)
        add_figure(times.front().task, std::string(KvMetrics::kAgainstBase[m]), row.against_base[m], row.contexts);
    }
  }

  void load_degradations(const CsvTable& csv) {
    for (CellDegradation& row : degradation_columns().rows(csv)) data.degradations.push_back(std::move(row));
  }

  /// Leaves out the records of tasks that are not registered. The first record of an answer counts, unless that was not
  /// run and is graded in a later one.
  void load_records(const std::string& path) {
    each_record_line(path, [&](const JsonlRow& row, std::size_t) {
      if (data.registry.find(row.string("graded_as")) == nullptr) return;
      Record record = record_of(row, data.registry);
      record.grade.cluster = context_of(record);
      record.sample.context = {};
      const auto [place, is_new] = answers_.try_emplace(
          {record.model, report_task(record), record.cell(), record.index, record.attempt}, data.records.size());
      if (is_new)
        data.records.push_back(std::move(record));
      else if (Record& earlier = data.records[place->second]; earlier.grade.state == kNotRun)
        earlier = std::move(record);
    });
  }

  /// Loads a file that only some runs have, by its name.
  void load_details(const std::string& path, std::string_view name) {
    if (name == kGroupsCsv) load_groups(data.groups, seen_, CsvTable::load(path));
    if (name == kKeptSpansCsv) load_kept_shares(data.kept_shares, seen_, CsvTable::load(path));
    if (name == kKeptHeadsCsv) load_kept_layers(data.kept_layers, seen_, CsvTable::load(path));
    if (name == kEntropyCsv) load_entropies(data.entropies, seen_, CsvTable::load(path));
    if (name == kKeptTextJson) load_prompts(data.prompts, JsonDocument::load(path).root());
  }

  /// Loads the settings and times of a run.
  void load_facts(const std::string& dir) {
    RunFacts run{dir, {}};
    std::ifstream config(dir + "/" + std::string(kConfigFile));
    for (std::string line; std::getline(config, line);)
      if (const std::size_t colon = line.find(": "); colon != line.npos) {
        std::string value = line.substr(colon + 2);
        if (value.size() > 1 && value.front() == '"') value = value.substr(1, value.size() - 2);
        if (!value.empty()) run.facts.emplace_back(line.substr(0, colon), value);
      }
    const std::string times = dir + "/" + std::string(kRunFile);
    if (std::filesystem::exists(times)) {
      const JsonDocument document = JsonDocument::load(times);
      document.root().each_member([&](std::string_view name, const JsonValue& value) {
        if (value.is_string()) run.facts.emplace_back(name, value.string());
        if (value.element().is_number()) run.facts.emplace_back(name, six_digits(value.number()));
      });
    }
    if (!run.facts.empty()) data.runs.push_back(std::move(run));
  }

 private:
  /// The model whose path ends with `name`, because kv_metrics.csv has only the last part of the path.
  std::string full_name(const std::string& name) const {
    for (const std::string& model : data.models())
      if (last_part(model) == name) return model;
    return name;
  }

  /// Adds a figure, unless it is there already, and returns the one that is stored.
  const ResultRow& add(ResultRow row) {
    const auto [place, is_new] =
        places_.try_emplace({row.model, row.task, row.cell, row.figure.name}, data.figures.size());
    if (is_new) data.figures.push_back(std::move(row));
    return data.figures[place->second];
  }

  std::map<std::tuple<std::string, std::string, CellName, std::string>, std::size_t> places_;
  SeenRows seen_;
  /// The place of each answer's record, by model, task, cell, index and attempt.
  std::map<std::tuple<std::string, std::string, CellName, std::size_t, std::size_t>, std::size_t> answers_;
};

}  // namespace detail

/// Reads output directories of kvx-eval, results.csv files, and *_kv_metrics.csv files. `tasks` describes their metrics
/// and states; a file may also have other tasks. Throws Error for a path that is missing or is none of these, and for
/// an invalid file. The error names file, line and column.
inline ReportData load_report(std::span<const std::string> paths, TaskRegistry tasks = kvx_tasks()) {
  namespace fs = std::filesystem;
  detail::ReportLoader loader(std::move(tasks));
  std::vector<CsvTable> kv_metrics;  // loaded last: results.csv has the same figures with intervals
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      CsvTable csv = CsvTable::load(path);
      if (csv.has("metric")) {
        loader.load_results(csv);
      } else {
        kv_metrics.push_back(std::move(csv));
      }
      continue;
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    bool found = false;
    for (const std::string& name : names) {
      const std::string file = path + "/" + name;
      if (name == kResultsCsv) loader.load_results(CsvTable::load(file));
      if (name.ends_with("kv_metrics.csv")) kv_metrics.push_back(CsvTable::load(file));
      loader.load_details(file, name);
      if (name == "degradation.csv") loader.load_degradations(CsvTable::load(file));
      if (name == "records.jsonl") loader.load_records(file);
      found |= name == kResultsCsv || name.ends_with("kv_metrics.csv");
    }
    if (!found) throw Error(path, "expected results.csv or a *_kv_metrics.csv, found neither");
    loader.load_facts(path);
  }
  for (const CsvTable& csv : kv_metrics) loader.load_kv_metrics(csv);
  if (loader.data.figures.empty()) throw Error(paths.front(), "expected rows with figures, found none");
  return std::move(loader.data);
}

}  // namespace kvx::inline v0
