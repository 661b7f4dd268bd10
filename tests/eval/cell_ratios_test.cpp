#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/eval/tables/result_row.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
Record at_ratio(const std::string& budget, double ratio, const char* task = "t") {
  Record record{"k", "m", "t", "knorm", ratio, 0};
  record.sample.task = task;
  record.budget = budget;
  return record;
}
}  // namespace

TEST_CASE("The ratio of a cell with a budget is the mean over its answers in one model and task") {
  const std::vector<Record> records = {at_ratio("keep=9", 0.5), at_ratio("keep=9", 0.25), at_ratio("keep=8", 0.75),
                                       at_ratio("keep=9", 0.875, "t_2"), at_ratio("", 0.125)};
  const CellRatios ratios(records);
  CHECK(ratios.cell_of(records[0]).ratio == 0.375);
  CHECK(ratios.cell_of(records[1]).ratio == 0.375);
  CHECK(ratios.cell_of(records[2]).ratio == 0.75);
  CHECK(ratios.cell_of(records[3]).ratio == 0.875);
  CHECK(ratios.cell_of(records[4]).ratio == 0.125);
  CHECK(ratios.settled("m", "t", {"knorm", 0, "keep=9"}).ratio == 0.375);
  CHECK(ratios.settled("other", "t", {"knorm", 0.5, "keep=9"}).ratio == 0.5);
}

TEST_CASE("The ratio of a cell with a budget that serves no context is unknown, in every table") {
  Record none = at_ratio("keep=9", 0);
  none.grade.state = kNotApplicable;
  const CellName cell = CellRatios(std::vector{none}).cell_of(none);
  CHECK(std::isnan(cell.ratio));
  CHECK(cell.ratio_text() == "-");
  const std::string csv = results_columns().text(std::vector{ResultRow{"m", "t", cell}});
  CHECK(csv.find("\nm,knorm,,keep=9,false,t,") != csv.npos);
  CHECK(std::isnan(results_columns().rows(CsvTable(csv, "f.csv")).at(0).cell.ratio));
  CHECK(error_of([&] {
          (void)results_columns().rows(CsvTable(std::string(csv).replace(csv.find("keep=9"), 6, ""), "f.csv"));
        }).starts_with("f.csv: line 2: column compression_ratio: expected 0 to 1, found"));
}

TEST_CASE("Ratios replace those of the same cells, and leave those of other cells") {
  CellRatios ratios;
  ratios.add("m", "t", {"knorm", 0.5, "keep=9"});
  ratios.add("m", "t", {"knorm", 0.25, "keep=8"});
  ratios.replace(CellRatios(std::vector{at_ratio("keep=9", 0.75)}));
  CHECK(ratios.settled("m", "t", {"knorm", 0, "keep=9"}).ratio == 0.75);
  CHECK(ratios.settled("m", "t", {"knorm", 0, "keep=8"}).ratio == 0.25);
  Record none = at_ratio("keep=8", 0);
  none.grade.state = kNotApplicable;
  ratios.replace(CellRatios(std::vector{none}));
  CHECK(ratios.settled("m", "t", {"knorm", 0, "keep=8"}).ratio == 0.25);
}
