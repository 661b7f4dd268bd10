#include <kvx/eval/tables/degradation.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/metrics_of.hpp"

using namespace kvx;

namespace {

Record graded(const char* press, std::size_t index, const char* task, const char* group) {
  Record record{"", "m", task, press, press == kNoPress ? 0 : 0.5, index};
  record.sample.task = group;
  record.grade.state = "x";
  return record;
}

/// 40 requests, of which the base gets 30 right and the cell the first `served`. Four texts of 100 tokens; the mean
/// loss per token is higher by `rise` in the cell.
std::vector<Record> degraded(std::size_t served, double rise) {
  std::vector<Record> records;
  for (const char* press : {"none", "knorm"}) {
    const bool base = press == kNoPress;
    for (std::size_t i = 0; i < 40; ++i) {
      records.push_back(graded(press, i, "tool_call", "tool_call_08"));
      records.back().grade.metrics =
          metrics_of(ToolCallTask::metrics(), {{"call_exact", i < (base ? 30 : served)}, {"json_valid", 1}});
    }
    for (std::size_t i = 0; i < 4; ++i) {
      records.push_back(graded(press, i, "perplexity", "story"));
      records.back().grade.metrics =
          metrics_of(PerplexityTask::metrics(), {{"loss", 2 + 0.1 * double(i) + (base ? 0 : rise)}, {"tokens", 100.0}});
    }
  }
  return records;
}

}  // namespace

TEST_CASE("A cell's function is compared with its perplexity on the same samples and texts") {
  const auto found = degradations(kvx_tasks(), degraded(15, std::log(1.1)));
  REQUIRE(found.size() == 1);
  CHECK(found[0].cell == CellName{"knorm", 0.5});
  CHECK(found[0].metric == "call_exact");
  CHECK(found[0].task == "tool_call_08");
  const SilentDegradation& figures = found[0].figures;
  CHECK(figures.state == Degradation::measured);
  CHECK(figures.drop.value == doctest::Approx(0.5));
  CHECK(figures.rise.value == doctest::Approx(0.1));
  CHECK(figures.score.value == doctest::Approx(5));
  CHECK(figures.quality == doctest::Approx(1 / 1.1));
  CHECK(found[0].figures.drop.n == 40);
  CHECK(found[0].figures.drop.contexts == 40);
  CHECK(found[0].figures.rise.n == 4);
}

TEST_CASE("Function is resampled by context, and few contexts add a note") {
  auto records = degraded(15, std::log(1.1));
  for (Record& record : records)
    if (record.task == "tool_call") record.sample.context = record.index < 20 ? "one catalog" : "another";
  const auto found = degradations(kvx_tasks(), records);
  REQUIRE(found.size() == 1);
  CHECK(found[0].figures.drop.n == 40);
  CHECK(found[0].figures.drop.contexts == 2);
  CHECK(found[0].figures.state == Degradation::too_few);
  CHECK(found[0].figures.drop.p == 0.5);
  CHECK(degradation_markdown(found).find("\nNote: fewer than 10 contexts") != std::string::npos);
}

TEST_CASE("Samples that a press cannot serve do not count, and without perplexities there is no result") {
  auto records = degraded(15, std::log(1.1));
  for (Record& record : records)
    if (record.press != kNoPress && record.task == "tool_call" && record.index >= 20)
      record.grade.state = kNotApplicable;
  CHECK(degradations(kvx_tasks(), records).at(0).figures.drop.value == doctest::Approx(0.25));  // 15 of the first 20
  std::erase_if(records, [](const Record& record) { return record.task == "perplexity"; });
  CHECK(degradations(kvx_tasks(), records).empty());
}

TEST_CASE("A text without a loss is an error") {
  auto records = degraded(15, std::log(1.1));
  for (Record& record : records)
    if (record.task == "perplexity" && record.press == "knorm" && record.index == 2)
      record.grade.metrics = metrics_of(PerplexityTask::metrics(), {{"tokens", 100}});
  CHECK(error_of([&] { (void)degradations(kvx_tasks(), records); }) == "record 2 of knorm: missing its loss");
}

TEST_CASE("Degradations are written as a table and as CSV") {
  const auto found = degradations(kvx_tasks(), degraded(15, 0));
  const std::string table = degradation_markdown(found), csv = degradation_csv(found);
  CHECK(table.find("| m     | knorm | 0.5   | tool_call_08 | call_exact | 40 | 40       | 4     | 0.50 [") !=
        std::string::npos);
  CHECK(table.find("| maximally silent |") != std::string::npos);
  CHECK(csv.find("\nm,knorm,0.5,,false,tool_call_08,call_exact,40,40,4,maximally silent,,,,0.5,") != std::string::npos);
  CHECK(csv.ends_with(",6.10352e-05,1\n"));  // 2 / 2^15: 15 lost, none gained
}

TEST_CASE("Several answers to a sample count as their mean, and reference answers do not count as texts") {
  auto records = degraded(15, std::log(1.1));
  const std::size_t count = records.size();
  for (std::size_t r = 0; r < count; ++r) {  // a second attempt that is always right, and a perplexity that doubles
    Record again = records[r];
    if (again.task == "tool_call") {
      again.attempt = 1;
      again.grade.metrics = metrics_of(ToolCallTask::metrics(), {{"call_exact", 1}});
      records.push_back(again);
    } else {
      records.push_back(graded(again.press.c_str(), again.index, "latency", "story"));  // measures no function
      again.sample.task = "tool_call_08";
      again.index += 10;
      if (again.press != kNoPress) *again.grade.metrics.front() += std::log(2);  // its loss
      records.push_back(again);
    }
  }
  const auto found = degradations(kvx_tasks(), records);
  REQUIRE(found.size() == 1);
  CHECK(found[0].figures.drop.value == doctest::Approx(1 - (15 + 40) / (30.0 + 40)));
  CHECK(found[0].figures.rise.value == doctest::Approx(0.1));
}
