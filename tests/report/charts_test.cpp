#include <kvx/report/charts/divergence_chart.hpp>
#include <kvx/report/charts/heat_map.hpp>
#include <kvx/report/charts/ratio_chart.hpp>
#include <kvx/report/load/load_report.hpp>
#include <kvx/report/sections/silent_cells.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/report_results.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
ReportData chart_data() {
  const TempDir dir;
  return load_report(std::vector{dir.write("results.csv", report_results()), dir.write("k.csv", report_kv_metrics())});
}
/// A task that is not part of kvx.
struct Hits {
  static constexpr std::string_view name = "hits";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "near"}, {.name = "hit", .role = Role::works}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 1> kStates = {{{"shot"}}};
    return kStates;
  }
  Grade grade(const Sample&, std::string_view) const { return {"shot", {0.0, 0.0}}; }
};
}  // namespace

TEST_CASE("A report finds metrics by the roles that tasks declare, and unknown tasks have none") {
  const TempDir dir;
  const std::string path = dir.write(
      "results.csv",
      "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,"
      "change_high,p,holm_p,better\n"
      "m,none,0,,false,hits_2,hit,0.5,10,10,0.4,0.6,,,,,,more\n"
      "m,knorm,0.5,,false,hits_2,hit,0.25,10,10,0.1,0.4,-0.25,-0.4,-0.1,0.01,0.02,more\n");
  CHECK(lost_functions(load_report(std::vector{path})).compared == 0);
  TaskRegistry tasks;
  tasks.add<Hits>();
  const ReportData data = load_report(std::vector{path}, tasks);
  CHECK(data.function_metrics("hits_2") == std::vector<std::string>{"hit"});
  CHECK(data.task_of("hits/x")->name() == "hits");
  CHECK(data.task_of("hitsx") == nullptr);
  CHECK(lost_functions(data).cells.size() == 1);
}

TEST_CASE("Paths of pictures stay within their directory") {
  CHECK(picture_path("code_exec/he", "../a b", "states") == "plots/code_exec_he/_._a_b_code_exec_he_states.png");
  CHECK(file_name("") == "_");
}

TEST_CASE("Text in a script is quoted, and does not end a line") {
  CHECK(detail::gnuplot_text("it's `ls`\n\\") == "'it''s `ls` \\'");
}

TEST_CASE(
    "Function is a share of the base's on the same samples, and quality is the base's perplexity over the cell's") {
  const ReportData data = chart_data();
  const CellName cell{"knorm", 0.5};
  const ResultRow &base = *data.find("org/m", "tool_call_2", {"none"}, "call_exact"),
                  &cell_row = *data.find("org/m", "tool_call_2", cell, "call_exact");
  const Estimate remaining = *relative_function(cell_row, base);
  CHECK(remaining.value == doctest::Approx(0.5));
  CHECK(remaining.low == doctest::Approx(0.25));
  CHECK(remaining.high == doctest::Approx(0.75));
  ResultRow zero = base;
  zero.figure.value = 0;
  CHECK_FALSE(relative_function(zero, zero));
  const Estimate quality = *implied_quality(data, "org/m", "perplexity/story", cell);
  CHECK(quality.value == doctest::Approx(20.0 / 21));
  CHECK(quality.low == doctest::Approx(std::exp(-0.2)));
  CHECK(quality.high == doctest::Approx(std::exp(0.1)));
  CHECK_FALSE(implied_quality(data, "org/m", "perplexity/none", cell));
}

TEST_CASE("A panel's lines include the base and are sorted by the memory that is retained") {
  const auto panels =
      detail::divergence_panels(chart_data(), "org/m", "tool_call_2", {"call_exact"}, {"perplexity/story"});
  REQUIRE(panels.size() == 2);
  CHECK(panels[0].name == "knorm");
  const auto& line = panels[0].function[0];
  REQUIRE(line.size() == 3);
  CHECK(line[0].x == 0.25);
  CHECK(line[0].y.value == 1);
  CHECK(line[1].x == 0.5);
  CHECK(line[1].y.value == 0.5);
  CHECK(line[2].x == 1);
  CHECK(line[2].y.value == 1);
  REQUIRE(panels[0].quality[0].size() == 3);  // uses the memory of the task's cells, because the text's is unknown
  CHECK(panels[0].quality[0][0].x == 0.25);
  CHECK(panels[0].quality[0][0].y.value == 0.5);
  CHECK(panels[1].name == "snapkv(window=32, kernel=5) query_aware");
  CHECK(panels[1].function[0].size() == 2);
  CHECK(panels[1].quality[0].size() == 1);
  CHECK_FALSE(divergence_chart(chart_data(), "org/m", "perplexity/story"));
}

TEST_CASE("A line against the ratio begins at the base, unless its method has a figure there") {
  ReportData data = chart_data();
  auto lines = detail::ratio_lines(data, "org/m", "latency/story", "tpot_median", 1000);
  REQUIRE(lines.size() == 1);
  REQUIRE(lines[0].points.size() == 2);
  CHECK(lines[0].points[0].x == 0);
  CHECK(lines[0].points[0].y.value == 40);
  CHECK(lines[0].points[1].x == 0.5);
  CHECK(lines[0].points[1].y.value == 20);
  data.figures.push_back({"org/m", "perplexity/story", {"int4", 0}, {"perplexity", 20.5, 4, 4}});
  lines = detail::ratio_lines(data, "org/m", "perplexity/story", "perplexity", 1);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].method == 2);  // its place among all methods, though the one before has no perplexity
  REQUIRE(lines[1].points.size() == 1);
  CHECK(lines[1].points[0].y.value == 20.5);
  CHECK(time_chart(data, "org/m", "latency/story", *time_metric(kvx_tasks(), "tpot"))
            ->script.find("'time per output token, ms'") != std::string::npos);
  CHECK_FALSE(time_chart(data, "org/m", "latency/wiki", *time_metric(kvx_tasks(), "")));
}

TEST_CASE("Columns are the ratios in order and then the budgets, and significant drops have a star") {
  const ReportData data = chart_data();
  CHECK(detail::heat_map_columns(data.cells("org/m", "tool_call_2")) ==
        std::vector<std::string>{"0", "0.5", "0.75", "keep=64"});
  const std::string script = heat_map(data, "org/m", "tool_call_2", "call_exact")->script;
  CHECK(script.find("'0.40*' at second 1, first 1 ") != script.npos);
  CHECK(script.find("'0.80' at second 2, first 1 ") != script.npos);
  CHECK(script.find("'0.60' at second 3, first 2 ") != script.npos);
  CHECK_FALSE(heat_map(data, "org/m", "tool_call_2", "pass@1"));
}

TEST_CASE("A cell is silent if its function drops and its perplexity hardly rises") {
  ReportData data = chart_data();
  const LostFunctions lost = lost_functions(data);
  CHECK(lost.compared == 3);
  REQUIRE(lost.cells.size() == 1);
  CHECK(lost.cells[0].cell == CellName{"knorm", 0.5});
  CHECK(lost.cells[0].loss == doctest::Approx(0.5));
  CHECK(*lost.cells[0].rise == doctest::Approx(0.2));  // of wiki; that of story is 0.05
  CHECK_FALSE(lost.cells[0].silent());
  std::erase_if(data.figures, [](const ResultRow& figure) { return figure.task == "perplexity/wiki"; });
  CHECK(lost_functions(data).cells[0].silent());
  std::erase_if(data.figures, [](const ResultRow& figure) { return figure.task == "perplexity/story"; });
  CHECK_FALSE(lost_functions(data).cells[0].silent());
}
