#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/entropy_table.hpp>
#include <kvx/eval/kept_text.hpp>
#include <kvx/eval/part_groups.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/record_store.hpp>
#include <kvx/io/csv.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/load_entropies.hpp>
#include <kvx/report/load_groups.hpp>
#include <kvx/report/load_kept.hpp>
#include <kvx/report/load_prompts.hpp>
#include <kvx/report/record_names.hpp>
#include <kvx/report/report_data.hpp>
#include <kvx/report/seen_rows.hpp>
#include <kvx/report/time_metric.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/sample.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Collects figures, each once.
class ReportLoader {
 public:
  ReportData data;

  void load_results(const CsvTable& csv) {
    for (std::size_t row = 0; row < csv.rows(); ++row) {
      const auto number = [&](std::string_view column) { return csv.number(row, column); };
      Figure figure{csv.text(row, "model"),   csv.text(row, "task"),
                    csv_cell(csv, row),       csv.text(row, "metric"),
                    csv_count(csv, row, "n"), csv_count(csv, row, "contexts"),
                    number("value"),          number("low"),
                    number("high"),           number("change"),
                    number("change_low"),     number("change_high"),
                    number("holm_p")};
      if (csv.has("better")) figure.better = better_of(csv.text(row, "better"), csv.where(row));
      // Two runs of the same samples have the same base.
      if (const Figure& there = add(figure); six_digits(there.value) != six_digits(figure.value))
        throw Error(csv.where(row), "expected each cell's metric once, found " + figure.metric + " of " +
                                        figure.cell.label() + " again, with another value");
    }
  }

  /// Perplexity and times as if results.csv had them; what that has told already stays.
  void load_kv_metrics(const CsvTable& csv) {
    for (std::size_t row = 0; row < csv.rows(); ++row) {
      const std::string model = full_name(csv.text(row, "model"));
      const auto add_field = [&](std::string_view column, const std::string& task, const std::string& metric) {
        if (!csv.text(row, column).empty())
          add({model, task + "/" + csv.text(row, "dataset"), csv_cell(csv, row), metric, 0, 0,
               csv.number(row, column)});
      };
      add_field("ppl", "perplexity", "perplexity");
      if (csv.has("ppl_delta")) add_field("ppl_delta", "perplexity", "ppl_delta");
      for (const TimeMetric& metric : kTimeMetrics)
        add_field(metric.name, "latency", std::string(metric.name) + "_median");
      for (const char* column : {"prefill_speedup", "ttft_speedup", "tpot_speedup", "throughput_ratio"})
        if (csv.has(column)) add_field(column, "latency", column);
    }
  }

  void load_degradations(const CsvTable& csv) {
    for (std::size_t row = 0; row < csv.rows(); ++row) {
      const auto number = [&](std::string_view column) { return csv.number(row, column); };
      data.degradations.push_back({csv.text(row, "model"), csv.text(row, "task"), csv_cell(csv, row),
                                   csv.text(row, "metric"), csv.text(row, "verdict"), csv_count(csv, row, "n"),
                                   csv_count(csv, row, "contexts"), csv_count(csv, row, "texts"), number("sds"),
                                   number("sds_low"), number("sds_high"), number("drop"), number("drop_low"),
                                   number("drop_high"), number("rise"), number("rise_low"), number("rise_high"),
                                   number("p")});
    }
  }

  /// Leaves out a last line that a run has not yet written to its end.
  void load_records(const std::string& path) {
    std::ifstream lines(path, std::ios::binary);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      Record record = record_of(JsonlRow(line, path + ": line " + std::to_string(++number)));
      if (!answers_.emplace(record.model, report_task(record), record.cell(), record.index, record.attempt).second)
        continue;
      record.cluster = context_of(record);
      record.sample.context = {};
      data.records.push_back(std::move(record));
    }
    if (lines.bad()) throw Error(path, "cannot read");
  }

  /// What else a run may have, by its file's name.
  void load_details(const std::string& path, std::string_view name) {
    if (name == kGroupsCsv) load_groups(data.groups, seen_, CsvTable::load(path));
    if (name == kKeptSpansCsv) load_kept_shares(data.kept_shares, seen_, CsvTable::load(path));
    if (name == kKeptHeadsCsv) load_kept_layers(data.kept_layers, seen_, CsvTable::load(path));
    if (name == kEntropyCsv) load_entropies(data.entropies, seen_, CsvTable::load(path));
    if (name == kKeptTextJson) load_prompts(data.prompts, JsonDocument::load(path).root());
  }

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
  static Better better_of(const std::string& text, const std::string& where) {
    for (const Better better : {Better::more, Better::less, Better::neither})
      if (text == written(better)) return better;
    throw Error(where, "column better: expected more, less or neither, found " + shortened(text, 40));
  }

  /// The model whose path ends in `name`; kv_metrics.csv has no more than that.
  std::string full_name(const std::string& name) const {
    for (const std::string& model : data.models())
      if (last_part(model) == name) return model;
    return name;
  }

  /// The figure, or the one that is there already.
  const Figure& add(Figure figure) {
    const auto [place, is_new] =
        places_.try_emplace({figure.model, figure.task, figure.cell, figure.metric}, data.figures.size());
    if (is_new) data.figures.push_back(std::move(figure));
    return data.figures[place->second];
  }

  std::map<std::tuple<std::string, std::string, CellName, std::string>, std::size_t> places_;
  SeenRows seen_;
  std::set<std::tuple<std::string, std::string, CellName, std::size_t, std::size_t>> answers_;
};

}  // namespace detail

/// Reads the output directories of kvx-eval, its results.csv files, and files of the form of *_kv_metrics.csv. Throws
/// Error, naming file, line and column, for what is missing or is none of these.
inline ReportData load_report(std::span<const std::string> paths) {
  namespace fs = std::filesystem;
  detail::ReportLoader loader;
  std::vector<CsvTable> kv_metrics;  // last: results.csv has the same with intervals
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
  if (loader.data.figures.empty()) throw Error(paths.front(), "expected figures, found no line of any");
  return std::move(loader.data);
}

}  // namespace kvx::inline v0
