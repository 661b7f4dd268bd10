#include <kvx/eval/tables/results_json.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/json_of.hpp"
#include "support/records.hpp"
#include "support/two_metrics.hpp"

using namespace kvx;

namespace {

std::vector<CellResult> harness_cells() {
  const double none = std::numeric_limits<double>::quiet_NaN();
  CellResult cell{"m", "t", "t", {"snapkv(window=32, kernel=5)", 0.5}};
  cell.not_applicable = 2;
  cell.score.n = 4;
  cell.score.contexts = 3;
  cell.score.states = {{"exact", 3}, {"unparsed", 1}};
  cell.score.metrics = {{"a", 0.75, 4, 3, 0.25, 1, 0.25}, {"b"}};
  cell.score.summaries = {{"perplexity", 1.0 / 3, 3, 2, 0.125, 0.5}};
  cell.score.summaries.front().better = Better::less;
  cell.changes = {
      {.name = "a", .value = -0.25, .n = 4, .contexts = 3, .low = -0.5, .high = 0, .p = 1.0 / 3, .holm_p = 2.0 / 3},
      {"b", -0.5, 1, 1}};
  cell.kept_bytes = 250;
  cell.full_bytes = 1000;
  CellResult base{"m", "t", "x \"2\"", {"none"}};
  base.kept_bytes = base.full_bytes = none;
  return {cell, base};
}

}  // namespace

TEST_CASE("Results have the sections of lm-evaluation-harness, each with every cell") {
  const std::string text = results_json(harness_cells());
  CHECK(text.find("nan") == text.npos);
  const JsonTree found = json_of(text);
  const JsonTree expected = json_of(R"json({
      "results": {
        "t snapkv(window=32, kernel=5)@0.5": {"alias": "t snapkv(window=32, kernel=5)@0.5", "a,none": 0.75,
          "a_stderr,none": 0.25, "perplexity,none": 0.3333333333333333, "perplexity_stderr,none": "N/A",
          "memory_retained,none": 0.25, "memory_retained_stderr,none": "N/A"},
        "t/x \"2\" none": {"alias": "t/x \"2\" none"}},
      "group_subtasks": {},
      "configs": {
        "t snapkv(window=32, kernel=5)@0.5": {"task": "t", "metadata": {
          "model": "m", "press": "snapkv(window=32, kernel=5)", "compression_ratio": 0.5,
          "budget": "", "query_aware": false, "not_applicable": 2, "contexts": 3,
          "note": "fewer than 10 contexts: intervals are wide, and a p below 0.05 needs at least 6 contexts",
          "kept_bytes": 250, "full_bytes": 1000, "states": {"exact": 3, "unparsed": 1},
          "unfinished": 0, "as_read": 0,
          "metrics": {"a": {"value": 0.75, "n": 4, "contexts": 3, "low": 0.25, "high": 1},
                      "b": {"value": null, "n": 0, "contexts": 0, "low": null, "high": null}},
          "summaries": {"perplexity": {"value": 0.3333333333333333, "n": 3, "contexts": 2,
            "low": 0.125, "high": 0.5}},
          "changes": {"a": {"value": -0.25, "n": 4, "contexts": 3, "low": -0.5, "high": 0, "p": 0.333333,
                            "holm_p": 0.666667},
                      "b": {"value": -0.5, "n": 1, "contexts": 1, "low": null, "high": null, "p": null,
                            "holm_p": null}}}},
        "t/x \"2\" none": {"task": "t/x \"2\"", "metadata": {"model": "m", "press": "none", "compression_ratio": 0,
          "budget": "", "query_aware": false,
          "not_applicable": 0, "contexts": 0, "note": "fewer than 2 contexts: there is no interval and no p",
          "kept_bytes": null, "full_bytes": null, "states": {}, "unfinished": 0, "as_read": 0, "metrics": {},
          "summaries": {},
          "changes": {}}}},
      "versions": {"t snapkv(window=32, kernel=5)@0.5": 1, "t/x \"2\" none": 1},
      "n-shot": {"t snapkv(window=32, kernel=5)@0.5": 0, "t/x \"2\" none": 0},
      "higher_is_better": {"t snapkv(window=32, kernel=5)@0.5": {"a": true, "perplexity": false,
        "memory_retained": false}, "t/x \"2\" none": {}},
      "n-samples": {"t snapkv(window=32, kernel=5)@0.5": {"original": 6, "effective": 4},
        "t/x \"2\" none": {"original": 0, "effective": 0}},
      "config": {"model": "kvx", "model_args": ["m"]},
      "kvx_version": ")json" + std::string(kVersion) +
                                    R"json("})json");
  for (const auto& [section, value] : *expected.object()) {
    CAPTURE(section);
    REQUIRE(found.find(section) != nullptr);
    CHECK(*found.find(section) == value);
  }
  CHECK(found.object()->size() == expected.object()->size());
  CHECK(json_of(results_json({})).find("results")->object()->empty());
}

TEST_CASE("The names of cells include the model if there are several") {
  auto cells = harness_cells();
  cells.push_back(cells[1]);
  cells.back().model = "n";
  const JsonTree found = json_of(results_json(cells));
  CHECK(found.find("results")->find("m t/x \"2\" none") != nullptr);
  CHECK(found.find("results")->find("n t/x \"2\" none") != nullptr);
  CHECK(found.find("results")->object()->size() == 3);
}

TEST_CASE("The standard error is that of the sample's mean") {
  TaskRegistry tasks;
  tasks.add<TwoMetrics>();
  const auto cells = score_cells(tasks, grid_records(30));
  const Estimate& estimate = cells.at(2).score.metrics.at(1);
  REQUIRE(estimate.name == "a");
  REQUIRE(estimate.value == doctest::Approx(1.0 / 3));
  CHECK(estimate.error == doctest::Approx(std::sqrt(2.0 / 9 / 29)));  // numpy.std(ddof=1) / sqrt(n)
}
