#include <kvx/eval/kept/kv_metrics.hpp>
#include <kvx/eval/tables/latency_text.hpp>

#include <doctest/doctest.h>
#include <kvx/score/tasks.hpp>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "support/json_of.hpp"
#include "support/metrics_of.hpp"

using namespace kvx;

namespace {

/// Three timed generations and one predicted text for base and cell. The cell takes `slower` times as long.
std::vector<CellResult> timed_cells(double slower) {
  std::vector<Record> records;
  for (const char* press : {"none", "knorm"}) {
    const double factor = press == kNoPress ? 1 : slower;
    for (std::size_t i = 0; i < 3; ++i) {
      Record& record = records.emplace_back(Record{"", "models/m", "latency", press, press == kNoPress ? 0 : 0.5, i});
      record.sample.task = "wiki";
      const GenerationTimes times{2 * factor, 2.5 * factor + static_cast<double>(i), 3 * factor, 4};
      record.grade = LatencyTask::timed(times);
    }
    Record& text = records.emplace_back(Record{"", "models/m", "perplexity", press, press == kNoPress ? 0 : 0.5, 0});
    text.sample.task = "wiki";
    text.grade.metrics = metrics_of(PerplexityTask::metrics(), {{"loss", std::log(10 * factor)},
                                                                {"kl", 0},
                                                                {"kl_50", 0},
                                                                {"kl_95", 0},
                                                                {"kl_99", 0},
                                                                {"same_top", 1},
                                                                {"tokens", 9}});
  }
  return score_cells(kvx_tasks(), records);
}

}  // namespace

TEST_CASE("The metrics of a generation follow from its three times") {
  const Grade grade = LatencyTask::timed({2, 2.5, 3, 4});
  const std::vector<double> expected = {2, 2.5, 1, 4 / 5.5, 3, 5.5};  // prefill, ttft, tpot, throughput, decode, total
  REQUIRE(grade.metrics.size() == expected.size());
  for (std::size_t m = 0; m < expected.size(); ++m) CHECK(*grade.metrics[m] == doctest::Approx(expected[m]));
}

TEST_CASE("Latency is summarized by medians and quartiles") {
  std::vector<Grade> runs;
  for (const double prefill : {5.0, 1.0, 2.0, 100.0}) runs.push_back(LatencyTask::timed({prefill, prefill, 1, 2}));
  const auto summaries = LatencyTask().summaries(runs);
  CHECK(summaries.at(0).name == "prefill_time_median");
  CHECK(summaries[0].value == 3.5);
  CHECK(summaries[0].low == 1.75);  // numpy.quantile
  CHECK(summaries[0].high == 28.75);
  CHECK(summaries[0].n == 4);
  const Estimate single = LatencyTask().summaries(std::span(runs).first(1)).at(0);
  CHECK(single.value == 5);
  CHECK((std::isnan(single.low) && std::isnan(single.high)));
}

TEST_CASE("Perplexity and times of a text are one row, and are compared with the base's") {
  const auto rows = kv_metrics(kvx_tasks(), timed_cells(2));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].cell.is_base());
  CHECK(rows[0].against_base[0] == 0);
  CHECK(rows[0].contexts == 3);
  CHECK(rows[0].ppl_contexts == 1);
  CHECK(rows[1].model == "m");
  CHECK(rows[1].dataset == "wiki");
  CHECK(rows[1].cell == CellName{"knorm", 0.5});
  const std::vector<double> measured = {20, 4, 6, 2, 4 / 12.0, 6, 12}, against = {10, 0.5, 3.5 / 6, 0.5, 12.0 / 12};
  for (std::size_t m = 0; m < measured.size(); ++m) CHECK(rows[1].measured[m] == doctest::Approx(measured[m]));
  CHECK(rows[0].measured[4] == doctest::Approx(4 / 6.5));
  CHECK(rows[1].against_base[4] == doctest::Approx((4 / 12.0) / (4 / 6.5)));
  for (const std::size_t m : {0u, 1u, 2u, 3u}) CHECK(rows[1].against_base[m] == doctest::Approx(against[m]));
}

TEST_CASE("Rows are written as CSV and JSON, with empty fields for what was not measured") {
  auto cells = timed_cells(2);
  std::erase_if(cells, [](const CellResult& cell) { return cell.task == "perplexity"; });
  const auto rows = kv_metrics(kvx_tasks(), cells);
  const std::string csv = kv_metrics_csv(rows);
  CHECK(csv.starts_with(
      "model,dataset,press,compression_ratio,budget,query_aware,contexts,ppl,prefill_time,ttft,tpot,"
      "throughput,decode_time,"
      "total_generation_time,ppl_delta,prefill_speedup,ttft_speedup,tpot_speedup,throughput_ratio,ppl_contexts\n"
      "m,wiki,none,0,,false,3,,2,3.5,1,"));
  CHECK(csv.find("\nm,wiki,knorm,0.5,,false,3,,4,6,2,") != csv.npos);
  const JsonTree json = json_of(kv_metrics_json(rows));
  REQUIRE(json.array()->size() == 2);
  CHECK((*json.array())[1].object()->size() == 20);
  CHECK((*json.array())[1].find("ppl")->is_null());
  CHECK((*json.array())[1].find("ppl_contexts")->number()->value() == 0);
  CHECK((*json.array())[1].find("tpot")->number()->value() == 2);
  std::erase_if(cells, [](const CellResult& cell) { return cell.task == "latency"; });
  CHECK(kv_metrics(kvx_tasks(), cells).empty());
}

TEST_CASE("The table on the screen has medians in milliseconds and the speedup per token") {
  const std::string text = latency_markdown(kvx_tasks(), timed_cells(2));
  CHECK(text.starts_with("models/m: latency/wiki\n\n| press | ratio | n | contexts | prefill ms"));
  CHECK(text.find(
            "| knorm | 0.5   | 3 | 3        | 4000.00 [4000.00, 4000.00] | 6000.00 [5500.00, 6500.00] | 2000.00 [") !=
        text.npos);
  CHECK(text.find("| 0.50 ") != text.npos);
  CHECK(text.find("\nNote: fewer than 10 contexts: ") != text.npos);
  CHECK(latency_markdown(kvx_tasks(), {}).empty());
}

TEST_CASE("Models whose paths have the same last part are named by the whole path") {
  auto cells = timed_cells(2);
  for (CellResult& cell : timed_cells(2)) {
    cell.model = "others/m";
    cells.push_back(std::move(cell));
  }
  const auto rows = kv_metrics(kvx_tasks(), cells);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].model == "models/m");
  CHECK(rows[3].model == "others/m");
}

TEST_CASE("If no generation was timed, the table has no medians") {
  auto cells = timed_cells(2);
  std::erase_if(cells, [](const CellResult& cell) { return cell.task != "latency"; });
  for (Estimate& summary : cells[1].score.summaries) summary = LatencyTask().summaries({}).at(0);
  CHECK(latency_markdown(kvx_tasks(), cells).find("| knorm | 0.5   | 3 | 3        | - ") != std::string::npos);
}
