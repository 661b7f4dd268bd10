#include <kvx/eval/tables/part_groups.hpp>

#include <doctest/doctest.h>

#include <kvx/eval/tables/entropy_table.hpp>
#include <kvx/eval/tables/groups_markdown.hpp>
#include <kvx/score/ifeval/ifeval_task.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

using namespace kvx;

namespace {
struct OneValue {
  static constexpr std::string_view name = "t";
  static std::span<const Metric> metrics() { return {}; }
  static std::span<const Metric> part_metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "strict"}}};
    return kMetrics;
  }
  static std::span<const State> states() { return {}; }
  Grade grade(const Sample&, std::string_view) const { return {}; }
};
std::vector<GroupResult> groups_of(const std::vector<Record>& records) {
  TaskRegistry tasks;
  tasks.add<OneValue>();
  tasks.add<IfevalTask>();
  return part_groups(tasks, records);
}
Record with_parts(const char* press, double ratio, std::size_t index, std::vector<GradePart> parts) {
  Record record{"k", "m", "t", press, ratio, index};
  record.sample.task = "t";
  record.grade.parts = std::move(parts);
  return record;
}
GradePart part(const char* group, double value) { return {group, {value}}; }
double odd(std::size_t i) { return i % 2 == 0 ? 0 : 1; }
ResultRow group(const std::vector<GroupResult>& all, const std::string& press, const std::string& name) {
  for (const GroupResult& result : all)
    if (result.row.cell.press == press && result.group == name) return result.row;
  return {};
}
}  // namespace

TEST_CASE("Parts are counted by their group, and by the part of its name before a colon") {
  const auto all = groups_of({
      with_parts("none", 0, 0, {part("keywords:a", 1), part("keywords:b", 0), part("case:c", 1)}),
      with_parts("none", 0, 1, {part("keywords:a", 0)}),
  });
  CHECK(all.size() == 5);
  CHECK(group(all, "none", "keywords:a").figure.value == 0.5);
  CHECK(group(all, "none", "keywords").figure.value == doctest::Approx(1.0 / 3));
  CHECK(group(all, "none", "keywords").figure.n == 3);
  CHECK(group(all, "none", "keywords").figure.contexts == 2);
  CHECK(group(all, "none", "case").figure.value == 1);
  CHECK(std::isnan(group(all, "none", "case").figure.low));  // one context
}

TEST_CASE("A group's interval treats contexts as the units") {
  std::vector<Record> one_part, two_parts;
  for (std::size_t i = 0; i < 40; ++i) one_part.push_back(with_parts("none", 0, i, {part("g", odd(i))}));
  for (std::size_t i = 0; i < 20; ++i)
    two_parts.push_back(with_parts("none", 0, i, {part("g", odd(i)), part("g", odd(i))}));
  const Estimate loose = groups_of(one_part).at(0).row.figure, tight = groups_of(two_parts).at(0).row.figure;
  const Estimate of_forty = wilson_interval(0.5, 39, t_edge(39)), of_twenty = wilson_interval(0.5, 19, t_edge(19));
  CHECK(loose.value == 0.5);
  CHECK(loose.low == doctest::Approx(of_forty.low));
  CHECK(loose.high == doctest::Approx(of_forty.high));
  CHECK(tight.low == doctest::Approx(of_twenty.low));
  std::vector<Record> all_right;
  for (std::size_t i = 0; i < 20; ++i) all_right.push_back(with_parts("none", 0, i, {part("g", 1)}));
  CHECK(groups_of(all_right).at(0).row.figure.low == doctest::Approx(wilson_interval(1, 20, t_edge(19)).low));
}

TEST_CASE("Samples of one cluster and attempts at one sample are not independent answers") {
  std::vector<Record> attempts, clusters;
  for (std::size_t i = 0; i < 10; ++i)
    for (std::size_t attempt = 0; attempt < 10; ++attempt) {
      attempts.push_back(with_parts("none", 0, i, {part("g", odd(i))}));
      attempts.back().attempt = attempt;
      clusters.push_back(with_parts("none", 0, 10 * i + attempt, {part("g", odd(i))}));
      clusters.back().grade.cluster = "prompt " + std::to_string(i);
    }
  const Estimate tried = groups_of(attempts).at(0).row.figure, together = groups_of(clusters).at(0).row.figure;
  CHECK(tried.n == 10);
  CHECK(tried.contexts == 10);
  CHECK(tried.value == 0.5);
  CHECK(tried.low == together.low);
  CHECK(together.n == 100);
  CHECK(together.contexts == 10);
  CHECK(together.low == doctest::Approx(wilson_interval(0.5, 9, t_edge(9)).low));
}

TEST_CASE("A table has a column for each group, and a dash if a cell has no part of it") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 24; ++i) records.push_back(with_parts("none", 0, i, {part("a:x", 1), part("b:y", 1)}));
  for (std::size_t i = 0; i < 24; ++i) records.push_back(with_parts("knorm", 0.5, i, {part("a:x", odd(i))}));
  for (Record& record : records) {
    record.task = record.sample.task = "ifeval";
    for (GradePart& part : record.grade.parts) part.values.push_back(0);  // loose
  }
  CHECK(groups_markdown(groups_of(records), AnyTask(IfevalTask())).starts_with(R"(m: ifeval, strict by group

| press | ratio | a (n=24, contexts=24) | b (n=24, contexts=24) |
| ----- | ----- | --------------------- | --------------------- |
| none  | 0     | 1.00                  | 1.00                  |
| knorm | 0.5   | 0.50 (-0.50)          | -                     |
)"));
}

TEST_CASE("A group is compared with the base's on the samples that both answered") {
  std::vector<Record> records;
  for (std::size_t i = 0; i < 24; ++i) records.push_back(with_parts("none", 0, i, {part("g", 1)}));
  for (std::size_t i = 0; i < 20; ++i) records.push_back(with_parts("knorm", 0.5, i, {part("g", i % 4 == 0)}));
  const ResultRow changed = group(groups_of(records), "knorm", "g");
  CHECK(changed.change.value == -0.75);
  CHECK(changed.change.high == doctest::Approx(-0.75 + t_edge(19) * std::sqrt(0.75 * 0.25 / 19)));
  CHECK(std::isnan(group(groups_of(records), "none", "g").change.value));
  CHECK(groups_csv(std::vector{GroupResult{"g", changed}})
            .starts_with("model,press,compression_ratio,budget,query_aware,task,group,metric,value,n,contexts,low,high,"
                         "change,change_low,"
                         "change_high\n"
                         "m,knorm,0.5,,false,t,g,strict,0.25,20,20,"));
}

TEST_CASE("Entropies are averaged token by token, and compared with the base's on the same samples") {
  const auto with_entropy = [](const char* press, double ratio, std::size_t index, std::vector<double> entropy) {
    Record record = with_parts(press, ratio, index, {});
    record.entropy = std::move(entropy);
    return record;
  };
  const std::vector<Record> records = {with_entropy("none", 0, 0, {1, 2}), with_entropy("none", 0, 1, {3}),
                                       with_entropy("knorm", 0.5, 0, {2, 2, 5}), with_entropy("knorm", 0.5, 1, {5, 4})};
  CHECK(entropy_csv(records) ==
        "model,press,compression_ratio,budget,query_aware,task,token,entropy,n,contexts,base,change,paired,change_"
        "contexts\n"
        "m,none,0,,false,t,0,2,2,2,2,0,2,2\n"
        "m,none,0,,false,t,1,2,1,1,2,0,1,1\n"
        "m,knorm,0.5,,false,t,0,3.5,2,2,2,1.5,2,2\n"
        "m,knorm,0.5,,false,t,1,3,2,2,2,0,1,1\n"
        "m,knorm,0.5,,false,t,2,5,1,1,,,0,0\n");
  CHECK(entropy_csv(std::vector<Record>{with_parts("none", 0, 0, {})}).empty());
}
