#include <kvx/eval/tables/plan_table.hpp>
#include <kvx/score/tasks.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/metrics_of.hpp"

using namespace kvx;

namespace {
Record planned(const char* press, std::size_t index, const std::string& context, double passes) {
  Record record{"", "m", "tool_call", press, press == kNoPress ? 0 : 0.5, index};
  record.sample.task = "tool_call_8";
  record.sample.context = context;
  record.grade.metrics = metrics_of(ToolCallTask::metrics(), {{"args_exact", passes}, {"json_valid", 0.25}});
  return record;
}
}  // namespace

TEST_CASE("A plan takes the base, the sizes of contexts and the correlation from records of passes and failures") {
  std::vector<Record> records;
  std::vector<Cluster> changes(10);
  for (std::size_t c = 0, index = 0; c < 10; ++c)
    for (std::size_t i = 0; i < 2 + c % 2 * 4; ++i, ++index) {
      const double before = i % 2 == 0, after = before == 1 && (c % 3 != 0 || i == 4) ? 1 : 0;
      records.push_back(planned("none", index, "context " + std::to_string(c), before));
      records.push_back(planned("knorm", index, "context " + std::to_string(c), after));
      changes[c].add(after - before);
    }
  for (const char* press : {"none", "knorm"}) {
    records.push_back(planned(press, 0, "", 1));
    records.back().task = "perplexity";
    records.back().grade.metrics = metrics_of(PerplexityTask::metrics(), {{"same_top", 1}});  // the base's is always 1
  }
  const auto bases = plan_bases(kvx_tasks(), records);
  REQUIRE(bases.size() == 1);
  CHECK(bases[0].data == "tool_call_8");
  CHECK(bases[0].metric == "args_exact");
  CHECK(bases[0].base == 0.5);
  CHECK(bases[0].context_samples == 4);
  CHECK(bases[0].size_cv == 0.5);
  CHECK(bases[0].icc == doctest::Approx(intraclass_correlation(changes)));
  const std::string table = plan_markdown(bases, std::vector{0.7, 0.5});
  CHECK(table.find("| m     | tool_call_8 | args_exact | 0.5  | 0    | 4 ") != std::string::npos);
  CHECK(table.find("| -0.2") == std::string::npos);  // no drop of 0.7 from 0.5
}

TEST_CASE("A plan names an ICC that is unknown, and assumes the safest one") {
  std::vector<Record> base, unchanged;
  for (std::size_t i = 0; i < 20; ++i)
    base.push_back(planned("none", i, "context " + std::to_string(i / 4), i % 2 == 0));
  unchanged = base;
  for (const Record& record : base)
    unchanged.push_back(planned("knorm", record.index, record.sample.context, record.index % 2 == 0));
  for (const auto& records : {base, unchanged}) {
    const auto bases = plan_bases(kvx_tasks(), records);
    REQUIRE(bases.size() == 1);
    CHECK_FALSE(bases[0].icc);
    std::vector<PlanBasis> known = bases;
    known[0].icc = 1;
    const std::string table = plan_markdown(bases, std::vector{0.2}), safest = plan_markdown(known, std::vector{0.2});
    REQUIRE(table.find("| 4                    | unknown | ") != table.npos);
    CHECK(table.substr(table.find("| unknown | ") + 12, 10) == safest.substr(safest.find("| 1   | ") + 8, 10));
    CHECK(table.ends_with("Where the ICC is unknown, the plan assumes 1, the safest value.\n"));
    CHECK_FALSE(safest.ends_with("safest value.\n"));
  }
}

TEST_CASE("Without results a plan is for one base, and never for fewer contexts than sign flips need") {
  const std::string table =
      plan_markdown(std::vector<PlanBasis>{{.base = 0.45, .context_samples = 12, .icc = 0.4}}, std::vector{0.1, 0.45});
  // statsmodels' TTestPower for clusters of 12, as in tests/data/stats
  CHECK(table.starts_with("| base | cell | samples of a context | ICC | contexts | samples |\n"));
  CHECK(table.find("| 0.45 | 0.35 | 12                   | 0.4 | 170      | 2040    |") != std::string::npos);
  CHECK(plan_markdown(std::vector<PlanBasis>{{.base = 0.9, .context_samples = 50}}, std::vector{0.9})
            .find("| 6        | 300     |") != std::string::npos);
}
