#include <kvx/eval/run/write_results.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/report/load/load_report.hpp>
#include <kvx/report/pages/build_report.hpp>
#include <kvx/report/pages/report_markdown_file.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/perplexity.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/metrics_of.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {

/// A task of tool calls whose answers have one part.
struct CallsInParts {
  static constexpr std::string_view name = "tool_call";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "call_exact", .role = Role::works}}};
    return kMetrics;
  }
  static std::span<const Metric> part_metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "strict", .role = Role::following}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 2> kStates = {{{"exact", Verdict::good}, {"unparsed", Verdict::bad}}};
    return kStates;
  }
  Grade grade(const Sample&, std::string_view) const { return {"exact", {1}}; }
};

const CellName kNine{"knorm", 0, "keep=9"};

/// Records of a base and of a cell with a budget, whose ratio grows from context to context: 0.375 on average.
std::vector<Record> budget_records() {
  std::vector<Record> records;
  for (const bool compressed : {false, true})
    for (const char* task : {"tool_call", "perplexity"})
      for (std::size_t i = 0; i < 4; ++i) {
        Record& record = records.emplace_back(Record{"0123456789abcdef", "m", task, compressed ? "knorm" : "none",
                                                     compressed ? 0.25 * static_cast<double>(i) : 0, i});
        record.budget = compressed ? "keep=9" : "";
        record.sample.max_new_tokens = 8;
        record.kept_bytes = record.full_bytes = 8;
        if (record.task == "perplexity") {
          record.sample.task = "story";
          record.grade = {"predicted", metrics_of(PerplexityTask::metrics(), {{"loss", compressed ? 2.5 : 2},
                                                                              {"kl", 0},
                                                                              {"kl_50", 0},
                                                                              {"kl_95", 0},
                                                                              {"kl_99", 0},
                                                                              {"same_top", 0},
                                                                              {"tokens", 9}})};
        } else {
          record.sample.task = "tool_call";
          record.grade = {compressed ? "unparsed" : "exact", {compressed ? 0 : 1}};
          record.grade.parts = {{"names", {compressed ? 0.0 : 1.0}}};
          record.entropy = {1, 2};
        }
      }
  return records;
}

/// The rows that the cell keeps of one context, with its ratio in this context.
KeptAnalysis budget_kept() {
  KeptAnalysis kept;
  CellName in_context = kNine;
  in_context.ratio = 0.75;
  kept.ratios.add("m", "tool_call", in_context);
  kept.counts.add("m", "tool_call", in_context, {}, 4, {{{0}}});
  kept.texts.push_back({"m", "tool_call", false, 0, {"a", "b", "c", "d"}, {}, 1, {{in_context, {1, 0, 0, 0}}}});
  return kept;
}

TaskRegistry tasks_in_parts() {
  TaskRegistry tasks;
  tasks.add<CallsInParts>();
  tasks.add<PerplexityTask>();
  return tasks;
}

/// Writes all files of a run with these records to a directory.
void write_budget_run(const TempDir& dir, const std::vector<Record>& records) {
  const TaskRegistry tasks = tasks_in_parts();
  write_results(dir.path(), tasks, score_cells(tasks, records), records, part_groups(tasks, records), budget_kept());
  dir.write("degradation.csv", degradation_csv(degradations(tasks, records)));
  std::string lines;
  for (const Record& record : records) lines += to_json(record, tasks) + "\n";
  dir.write("records.jsonl", lines);
}

/// The ratios of the compressed cells.
template <class Rows, class Cell>
std::vector<double> ratios_of(const Rows& rows, Cell cell) {
  std::vector<double> ratios;
  for (const auto& row : rows)
    if (const CellName& name = cell(row); !name.is_base()) {
      CHECK(name == kNine);
      ratios.push_back(name.ratio);
    }
  return distinct(ratios, [](double ratio) { return ratio; });
}

}  // namespace

TEST_CASE("Every file of a run has the same ratio for a cell with a budget, and the report shows it") {
  const TempDir dir;
  write_budget_run(dir, budget_records());
  const ReportData data = load_report(std::vector{dir.path()}, tasks_in_parts());
  const auto cell = [](const auto& row) { return row.cell; };
  const std::vector<double> mean = {0.375};
  CHECK(ratios_of(data.figures, cell) == mean);
  CHECK(ratios_of(data.degradations, cell) == mean);
  CHECK(ratios_of(data.groups, [](const auto& row) { return row.row.cell; }) == mean);
  CHECK(ratios_of(data.entropies, cell) == mean);
  CHECK(ratios_of(data.kept_shares, cell) == mean);
  CHECK(ratios_of(data.kept_layers, cell) == mean);
  CHECK(ratios_of(data.prompts.at(0).cells, [](const auto& kept) { return kept.name; }) == mean);
  std::istringstream text(report_markdown_file(build_report(data)));
  std::size_t rows = 0;
  for (std::string line; std::getline(text, line);)
    if (const std::size_t at = line.find("| knorm keep=9 "); at != line.npos) {
      CAPTURE(line);
      CHECK(line.substr(at).starts_with("| knorm keep=9 | 0.375 "));
      ++rows;
    }
  CHECK(rows == 7);  // classes, kept, entropy, degradation, flipped, and the figures of two tasks
}

TEST_CASE("A run without records of a cell has the ratio of the analysis") {
  const TempDir dir;
  write_budget_run(dir, {});
  const CsvTable spans = CsvTable::load(dir.path() + "/kept_spans.csv");
  CHECK(spans.text(0, "budget") == "keep=9");
  CHECK(spans.number(0, "compression_ratio") == 0.75);
}

TEST_CASE("A file without the columns of a cell is an error that names the file and the column") {
  const TempDir dir;
  const auto error = [&](const std::string& name, const std::string& text) {
    write_budget_run(dir, budget_records());
    const std::string path = dir.write(name, text);
    const std::string found = error_of([&] { load_report(std::vector{dir.path()}, tasks_in_parts()); });
    return found.starts_with(path) ? found.substr(path.size()) : found;
  };
  CHECK(error("results.csv",
              "model,press,compression_ratio,task,metric,value,n,contexts,low,high,change,change_low,change_high,p,"
              "holm_p,better\nm,none,0,t,a,1,1,1,,,,,,,,more\n")
            .starts_with(": line 1: expected a column budget, found model,press,"));
  CHECK(error("entropy.csv",
              "model,press,compression_ratio,query_aware,task,token,entropy,n,contexts,base,change,paired\n"
              "m,none,0,false,t,0,1,1,1,,,0\n")
            .starts_with(": line 1: expected a column budget, found model,press,"));
  CHECK(error("kept_text.json", R"([{"model":"m","task":"t","index":0,"heads":1,"tokens":["a"],"spans":[],"cells":)"
                                R"([{"press":"knorm","compression_ratio":0.5,"kept_by":[1]}]}])")
            .ends_with("missing field budget"));
  CHECK(error("kv_metrics.csv", "model,dataset,method,compression_ratio,ppl\nm,story,none,0,1\n")
            .find(": line 1: expected a column ") == 0);
}

TEST_CASE("A bad field of a cell is an error that names its place") {
  const TempDir dir;
  const auto error = [&](const std::string& cell) {
    const std::string path = dir.write(
        "results.csv",
        "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,"
        "change_high,p,holm_p,better\nm," +
            cell + ",t,a,1,1,1,,,,,,,,more\n");
    const std::string found = error_of([&] { load_report(std::vector{path}); });
    return found.starts_with(path) ? found.substr(path.size()) : found;
  };
  CHECK(error("knorm,2,,false") == ": line 2: column compression_ratio: expected 0 to 1, found '2'");
  CHECK(error("knorm,0.5,,yes") == ": line 2: column query_aware: expected true or false, found 'yes'");
  CHECK(error("knorm keep=9,0.5,,false").starts_with(": line 2: column press: press 'knorm keep=9': expected name"));
}
