#include <kvx/eval/tables/results.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"
#include "support/two_metrics.hpp"

using namespace kvx;

namespace {
TaskRegistry registry() {
  TaskRegistry tasks;
  tasks.add<TwoMetrics>();
  return tasks;
}
Record record(const char* press, double ratio, std::size_t index, double a, const char* group = "t_8") {
  Record result{"", "m", "t", press, ratio, index};
  result.sample.task = group;
  result.grade = {a == 1 ? "right" : "wrong", {std::nullopt, a}};
  result.kept_bytes = 100 + index;
  result.full_bytes = 1000;
  return result;
}
}  // namespace

TEST_CASE("A cell's figures are those of its answers, and its change is from the base on the same samples") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 40; ++i) records.push_back(record("none", 0, i, i < 20));
  for (std::size_t i = 0; i < 40; ++i) records.push_back(record("knorm", 0.5, 39 - i, i < 29 && i >= 18));
  const auto cells = score_cells(registry(), records);
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].cell.is_base());
  CHECK(cells[0].changes.empty());
  CHECK(cells[1].cell.label() == "knorm");
  CHECK(cells[1].cell.ratio == 0.5);
  CHECK(cells[1].score.n == 40);
  CHECK(cells[1].score.contexts == 40);
  CHECK(cells[1].score.states == std::map<std::string, std::size_t>{{"right", 11}, {"wrong", 29}});
  REQUIRE(cells[1].score.metrics.size() == 2);
  CHECK(cells[1].score.metrics[0].name == "b");
  CHECK(cells[1].score.metrics[0].n == 0);
  CHECK(cells[1].score.metrics[1].value == 11.0 / 40);
  CHECK(cells[1].score.summaries.at(0).value == 0.5);
  CHECK(cells[1].kept_bytes == 119.5);
  CHECK(cells[1].full_bytes == 1000);
  // Answers 11 to 21 are right, in the base 0 to 19: 2 got better, 11 got worse. p of scipy.stats.binomtest(2, 13).
  REQUIRE(cells[1].changes.size() == 2);
  CHECK(cells[1].changes[1].name == "a");
  CHECK(cells[1].changes[1].value == doctest::Approx(-9.0 / 40));
  CHECK(cells[1].changes[1].n == 40);
  CHECK(cells[1].changes[1].p == doctest::Approx(0.02246093750000001));
  CHECK(cells[1].changes[1].holm_p == cells[1].changes[1].p);  // the only test
}

TEST_CASE("Answers with the same context and system message are one unit, and a cluster may join several") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 40; ++i) records.push_back(record("none", 0, i, 1));
  for (std::size_t i = 0; i < 40; ++i) records.push_back(record("knorm", 0.5, i, i % 4 == 0));
  const auto scored = [&](auto&& mark) {
    for (Record& r : records) mark(r);
    return score_cells(registry(), records).at(1);
  };
  const CellResult ten = scored([](Record& r) { r.sample.context = "catalog " + std::to_string(r.index / 4); });
  CHECK(ten.score.contexts == 10);
  CHECK(ten.score.metrics.at(1).contexts == 10);
  CHECK(ten.changes.at(1).contexts == 10);
  CHECK(ten.changes[1].n == 40);
  CHECK(ten.changes[1].p == 2.0 / 1024);  // each context loses three of four
  const CellResult twenty = scored([](Record& r) { r.sample.system = std::to_string(r.index % 2); });
  CHECK(twenty.score.contexts == 20);
  const CellResult one = scored([](Record& r) { r.grade.cluster = "one"; });
  CHECK(one.score.contexts == 1);
  CHECK(one.changes.at(1).value == -0.75);
  CHECK(std::isnan(one.changes[1].p));
  CHECK(std::isnan(one.changes[1].holm_p));
  CHECK(std::isnan(one.score.metrics.at(1).low));
}

TEST_CASE("Samples that a press cannot serve are counted, and no other figure includes them") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 10; ++i) records.push_back(record("none", 0, i, i >= 8));
  for (std::size_t i = 0; i < 13; ++i) {
    records.push_back(record("snapkv", 0.5, i, 1));
    if (i >= 6) continue;
    records.back().grade = {"not_applicable", {}};
    records.back().kept_bytes = 0;
  }
  records[9].grade.state = "not_applicable";
  const auto cells = score_cells(registry(), records);
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].not_applicable == 1);
  CHECK(cells[0].score.n == 9);
  CHECK(cells[1].not_applicable == 6);
  CHECK(cells[1].score.n == 7);
  CHECK(cells[1].kept_bytes == 109);
  CHECK(cells[1].changes.at(1).n == 3);  // samples 6, 7 and 8
  CHECK(cells[1].changes.at(1).value == doctest::Approx(2.0 / 3));

  records = {records[10]};
  const auto none = score_cells(registry(), records);
  CHECK(none.at(0).score.n == 0);
  CHECK(none.at(0).not_applicable == 1);
  CHECK(std::isnan(none.at(0).kept_bytes));
  CHECK(std::isnan(none.at(0).score.metrics.at(1).value));
  CHECK(none.at(0).changes.empty());
}

TEST_CASE("Models, presses, ratios and groups have separate results, in the order of the records") {
  std::vector<Record> records = {record("none", 0, 0, 1),     record("none", 0, 1, 0, "t_24"),
                                 record("knorm", 0.5, 0, 0),  record("knorm", 0.5, 1, 0, "t_24"),
                                 record("knorm", 0.25, 0, 1), record("knorm", 0, 0, 1),
                                 record("tova", 0.5, 0, 1),   record("none", 0, 0, 1)};
  records.back().model = "m2";
  const auto cells = score_cells(registry(), records);
  REQUIRE(cells.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(cells[i].model == records[i].model);
    CHECK(cells[i].cell.label() == records[i].press);
    CHECK(cells[i].cell.ratio == records[i].ratio);
    CHECK(cells[i].group == records[i].sample.task);
    CHECK(cells[i].score.n == 1);
    CHECK(cells[i].cell.is_base() == cells[i].changes.empty());
  }
  CHECK(cells[2].changes.at(1).value == -1);
  CHECK(cells[3].changes.at(1).value == 0);
}

TEST_CASE("The p values of a table are corrected for the tests of this table only") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 12; ++i)
    for (const char* group : {"t_8", "t_24"}) {
      records.push_back(record("none", 0, i, 1, group));
      records.push_back(record("knorm", 0.5, i, i >= 7, group));                                  // p = 2 / 128
      if (group == std::string("t_8")) records.push_back(record("tova", 0.5, i, i >= 6, group));  // p = 2 / 64
    }
  for (const CellResult& cell : score_cells(registry(), records)) {
    if (cell.cell.is_base()) continue;
    const double p = cell.cell.press == "knorm" ? 2.0 / 128 : 2.0 / 64;
    const double corrected = cell.group == "t_24" || cell.cell.press == "tova" ? p : 2 * p;
    CHECK(cell.changes.at(1).p == doctest::Approx(p));
    CHECK(cell.changes.at(1).holm_p == doctest::Approx(corrected));
  }
}

TEST_CASE("A cell with a budget is one result, whatever its ratio is in each context") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 4; ++i) {
    records.push_back(record("knorm", 0.25 * static_cast<double>(i), i, 1));
    records.back().budget = "keep=9";
  }
  records.push_back(record("knorm", 0.25, 1, 0));
  records.push_back(record("knorm", 0, 4, 0));  // not applicable, so its ratio does not count
  records.back().budget = "keep=9";
  records.back().grade.state = "not_applicable";
  const auto cells = score_cells(registry(), records);
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].cell.label() == "knorm keep=9");
  CHECK(cells[0].cell.ratio == 0.375);
  CHECK(cells[0].score.n == 4);
  CHECK(cells[1].cell.label() == "knorm");
  CHECK(cells[1].cell.ratio == 0.25);
  CHECK_FALSE(cells[0].cell.is_base());
}

TEST_CASE("A group's label includes the task") {
  CHECK(CellResult{.model = "", .task = "t", .group = "t_24"}.label() == "t_24");
  CHECK(CellResult{.model = "", .task = "t", .group = "hard"}.label() == "t/hard");
}

TEST_CASE("Records that their task cannot score are an error") {
  std::vector<Record> records = {record("none", 0, 3, 1)};
  records[0].grade.metrics.pop_back();
  CHECK(error_of([&] { score_cells(registry(), records); }) == "record 3 of none: missing metric a of task t");
  records[0].task = "u";
  CHECK(error_of([&] { score_cells(registry(), records); }).starts_with("task 'u': unknown task"));
}

namespace {

struct Passes {
  static constexpr std::string_view name = "passes";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "pass@1", .counts_attempts = true}}};
    return kMetrics;
  }
  static std::span<const State> states() { return {}; }
  Grade grade(const Sample&, std::string_view) const { return {}; }
};

/// `attempts` answers to each sample. `right` has the number of right answers for each sample.
std::vector<Record> attempted(std::size_t attempts, const std::vector<std::size_t>& right, const char* press = "none") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < right.size(); ++i)
    for (std::size_t a = 0; a < attempts; ++a) {
      Record& record = records.emplace_back(Record{"", "m", "passes", press, press == kNoPress ? 0 : 0.5, i});
      record.sample.task = "passes";
      record.attempt = a;
      record.grade = {a < right[i] ? "passed" : "assertion", {double(a < right[i])}};
    }
  return records;
}

}  // namespace

TEST_CASE("A sample that was answered several times counts once, and states count answers") {
  TaskRegistry tasks;
  tasks.add<Passes>();
  auto records = attempted(5, {5, 2, 0});
  for (Record& record : attempted(5, {1, 2, 0}, "knorm")) records.push_back(std::move(record));
  const auto cells = score_cells(tasks, records);
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].score.n == 3);
  CHECK(cells[0].score.states == std::map<std::string, std::size_t>{{"assertion", 8}, {"passed", 7}});
  CHECK(cells[0].score.metrics.at(0).value == doctest::Approx(7.0 / 15));
  CHECK(cells[0].score.metrics[0].n == 3);
  REQUIRE(cells[0].score.summaries.size() == 2);
  CHECK(cells[0].score.summaries[0].name == "pass@2");
  CHECK(cells[0].score.summaries[0].value == doctest::Approx((1 + (1 - 3.0 / 10) + 0) / 3));  // C(3,2) / C(5,2)
  CHECK(cells[0].score.summaries[1].name == "pass@5");
  CHECK(cells[0].score.summaries[1].value == doctest::Approx(2.0 / 3));
  CHECK(cells[1].changes.at(0).value == doctest::Approx(-4.0 / 15));
  CHECK(cells[1].changes[0].n == 3);
}

TEST_CASE("One attempt has no pass@k beyond its pass@1") {
  TaskRegistry tasks;
  tasks.add<Passes>();
  CHECK(score_cells(tasks, attempted(1, {1, 0})).at(0).score.summaries.empty());
}

TEST_CASE("A sample that is not applicable counts once, however often it is answered") {
  TaskRegistry tasks;
  tasks.add<Passes>();
  auto records = attempted(3, {3, 0});
  for (std::size_t r = 3; r < 6; ++r) records[r].grade.state = kNotApplicable;
  const auto cells = score_cells(tasks, records);
  CHECK(cells.at(0).not_applicable == 1);
  CHECK(cells[0].score.n == 1);
}
