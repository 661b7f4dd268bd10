#include <kvx/report/charts/state_chart.hpp>
#include <kvx/report/sections/flipped_samples.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/metrics_of.hpp"

using namespace kvx;

namespace {
Record tool_record(const std::string& press, std::size_t index, std::optional<double> exact, const std::string& state) {
  Record record{"k", "m", "tool_call", press, press == "none" ? 0 : 0.5, index};
  record.sample.task = "tool_call_2";
  record.grade = {state, metrics_of(ToolCallTask::metrics(), {{"call_exact", exact}, {"json_valid", 1}})};
  return record;
}

std::vector<Record> tool_records() {
  std::vector<Record> records = {
      tool_record("none", 0, 1, "exact"),       tool_record("none", 1, 0, "unparsed"),
      tool_record("none", 2, 1, "exact"),       tool_record("none", 3, std::nullopt, "declined"),
      tool_record("knorm", 0, 0, "wrong_name"), tool_record("knorm", 1, 1, "exact"),
      tool_record("knorm", 2, 1, "exact"),      tool_record("knorm", 3, std::nullopt, "called_anyway"),
      tool_record("tova", 0, 0, "new_state"),   tool_record("tova", 1, 0, "unparsed")};
  records.push_back({"k", "m", "perplexity", "knorm", 0.5, 0});
  records.back().grade.state = "predicted";
  return records;
}
}  // namespace

TEST_CASE("A sample flips when the base's answer works and the cell's does not") {
  const auto records = tool_records();
  const auto flips = flipped_samples(kvx_tasks(), records);
  REQUIRE(flips.size() == 2);
  CHECK(flips[0].cell.press == "knorm");
  CHECK(flips[0].task == "tool_call_2");
  CHECK(flips[0].both == 3);
  CHECK(flips[0].gained == 1);
  REQUIRE(flips[0].lost.size() == 1);
  CHECK(flips[0].lost[0].base == &records[0]);
  CHECK(flips[0].lost[0].cell == &records[4]);
  CHECK(flips[1].both == 2);
  CHECK(flips[1].lost.size() == 1);  // the other one was wrong before
}

TEST_CASE("Cells take turns when the samples to show are chosen") {
  std::vector<CellFlips> flips(3);
  flips[0].lost.resize(9);
  flips[1].lost.resize(1);
  flips[2].lost.resize(9);
  CHECK(shown_counts(flips, 3, 40) == std::vector<std::size_t>{3, 1, 3});
  CHECK(shown_counts(flips, 3, 4) == std::vector<std::size_t>{2, 1, 1});
  CHECK(shown_counts(flips, 0, 40) == std::vector<std::size_t>{0, 0, 0});
}

TEST_CASE("States are counted by cell, right ones first and unknown ones last; predicted texts have none") {
  ReportData data;
  data.records = tool_records();
  const auto cells = count_states(data, "m", "tool_call_2");
  REQUIRE(cells.size() == 3);
  CHECK(cells[1].counts.at("exact") == 2);
  CHECK(cells[1].all == 4);
  std::vector<std::string> names;
  for (const auto& state : detail::states_of(data.task_of("tool_call_2"), cells)) names.emplace_back(state.state);
  CHECK(names == std::vector<std::string>{"exact", "declined", "wrong_name", "called_anyway", "unparsed", "new_state"});
  CHECK(count_states(data, "m", "perplexity").empty());
  CHECK(detail::states_of(nullptr, cells).size() == names.size());  // a task that is not registered
}
