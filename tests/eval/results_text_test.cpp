#include <kvx/eval/tables/results_text.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "support/records.hpp"
#include "support/two_metrics.hpp"

using namespace kvx;

namespace {
const double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<CellResult> example_cells() {
  CellResult cell{"m", "t", "t", {"snapkv(window=32, kernel=5)", 0.5}};
  cell.not_applicable = 2;
  cell.score.n = 4;
  cell.score.contexts = 3;
  cell.score.states = {{"exact", 3}, {"unparsed", 1}};
  cell.score.metrics = {{"a", 0.75, 4, 3, 0.25, 1}, {"b"}};
  cell.score.summaries = {{"s", 1.0 / 3, 3, 2, 0.125, 0.5}};
  cell.changes = {
      {.name = "a", .value = -0.25, .n = 4, .contexts = 3, .low = -0.5, .high = 0, .p = 1.0 / 3, .holm_p = 2.0 / 3},
      {"b", -0.5, 1, 1}};
  cell.kept_bytes = 250;
  cell.full_bytes = 1000;
  CellResult empty{"m \"2\"", "t", "x", {"none"}};
  empty.kept_bytes = empty.full_bytes = kNan;
  return {cell, empty};
}
}  // namespace

TEST_CASE("Results as CSV have a line for each figure, with quotes where they are needed") {
  CHECK(results_csv(example_cells()) ==
        "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,"
        "change_high,p,holm_p,better,change_n,change_contexts\n"
        "m,\"snapkv(window=32, kernel=5)\",0.5,,false,t,a,0.75,4,3,0.25,1,-0.25,-0.5,0,0.333333,0.666667,more,4,3\n"
        "m,\"snapkv(window=32, kernel=5)\",0.5,,false,t,b,,0,0,,,-0.5,,,,,more,1,1\n"
        "m,\"snapkv(window=32, kernel=5)\",0.5,,false,t,s,0.3333333333333333,3,2,0.125,0.5,,,,,,more,0,0\n"
        "m,\"snapkv(window=32, kernel=5)\",0.5,,false,t,memory_retained,0.25,4,3,,,,,,,,less,0,0\n"
        "\"m \"\"2\"\"\",none,0,,false,t/x,memory_retained,,0,0,,,,,,,,less,0,0\n");
  auto cells = example_cells();
  cells[0].score.unfinished = 1;
  cells[0].score.unfinished_share = {"unfinished", 0.25, 4, 3, 0.125, 0.5};
  CHECK(results_csv(cells).find(",t,unfinished,0.25,4,3,0.125,0.5,,,,,,less,0,0\n") != std::string::npos);
  cells[1].model = "two\nlines\r";
  CHECK(results_csv(cells).find("\n\"two\nlines\r\",none") != std::string::npos);
}

TEST_CASE("Results of records have their intervals, and the same bytes each time") {
  TaskRegistry tasks;
  tasks.add<TwoMetrics>();
  const auto records = grid_records(30);
  const auto cells = score_cells(tasks, records);
  REQUIRE(cells.size() == 6);
  CHECK(results_csv(cells) == results_csv(score_cells(tasks, records)));
  const std::string csv = results_csv(cells);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + 6 * 4);
  CHECK(
      csv.starts_with("model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,"
                      "change_low,change_high,p,holm_"
                      "p,better,change_n,change_contexts\nz,none,0,,false,t,b,"));
  const Estimate interval = wilson_interval(1.0 / 3, 29, t_edge(29));
  CHECK(csv.find("\nz,snapkv,0.5,,false,t,a,0.3333333333333333,30,30," + std::to_string(interval.low).substr(0, 7)) !=
        std::string::npos);
}
