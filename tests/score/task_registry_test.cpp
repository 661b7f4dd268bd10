#include <kvx/score/task_registry.hpp>

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
/// A task that is not kvx's: is the answer the expected one?
struct Equal {
  static constexpr std::string_view name = "equal";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 1> kMetrics = {{{.name = "equal"}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 2> kStates = {{{"right", Verdict::good}, {"wrong", Verdict::bad}}};
    return kStates;
  }
  Grade grade(const Sample& sample, std::string_view answer) const {
    return answer == sample.answer ? Grade{"right", {1.0}} : Grade{"wrong", {0.0}};
  }
};
/// A task that hides its first metric.
struct HidesFirst : Equal {
  static constexpr std::string_view name = "hides_first";
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {{{.name = "a", .shown = false}, {.name = "b"}}};
    return kMetrics;
  }
};
/// A task with a state that it does not declare.
struct Surprises : Equal {
  static constexpr std::string_view name = "surprises";
  Grade grade(const Sample&, std::string_view) const { return {"surprised", {1.0}}; }
};
/// A task that only prepares samples, and counts them.
struct Prepares {
  static constexpr std::string_view name = "prepares";
  static inline int prepared = 0;
  static std::span<const Metric> metrics() { return Equal::metrics(); }
  static std::span<const State> states() { return Equal::states(); }
  struct Grader {
    std::string right;
    Grade grade(std::string_view answer, const AnswerReading& reading = {}) const {
      return answer == right ? Grade{"right", {double(reading.thoughts.size())}} : Grade{"wrong", {0.0}};
    }
  };
  Grader prepare(const Sample& sample) const {
    if (sample.answer.empty()) throw Error("sample's answer", "expected a text, found nothing");
    ++prepared;
    return {sample.answer};
  }
};
static_assert(GradesAnswers<Prepares> && PreparesSamples<Prepares> && !PreparesSamples<Equal>);
static_assert(GradesAnswers<Equal> && !SummarizesGrades<Equal>);
static_assert(!GradesAnswers<int>);
}  // namespace

TEST_CASE("A task is added once") {
  TaskRegistry registry;
  registry.add<Equal>();
  CHECK(registry.at("equal").grade({"", "", "", "x", "", 1}, "x").state == "right");
  CHECK(registry.tasks().size() == 1);
  CHECK(error_of([&] { registry.add<Equal>(); }) ==
        "task equal: expected a new name, found one that is registered already");
}

TEST_CASE("Hidden metrics come last") {
  TaskRegistry registry;
  CHECK(error_of([&] { registry.add<HidesFirst>(); }) ==
        "task hides_first: expected hidden metrics last, found one before a shown one");
}

TEST_CASE("A grade has one of the states that its task declares") {
  CHECK(error_of([] { (void)AnyTask(Surprises()).grade({}, ""); }) ==
        "task surprises: expected a state that the task declares, found 'surprised'");
}

TEST_CASE("A sample is prepared once for all its answers, and preparing it throws its errors") {
  const AnyTask task{Prepares()};
  const Sample sample{"", "", "a", "ab", "", 1}, bad;
  Prepares::prepared = 0;
  const SampleGrader grader = task.prepare(sample), copy = grader;
  CHECK(grader.grade("b").state == "right");  // after the answer prefix
  CHECK(grader.grade("c").state == "wrong");
  CHECK(copy.grade("b").state == "right");
  CHECK(Prepares::prepared == 1);
  CHECK(grader.grade("b", {.thoughts = {}}).metrics[0] == 0.0);
  CHECK(grader.grade("b", {.thoughts = {{"<t>", "</t>"}, {"<u>", "</u>"}}}).metrics[0] == 2.0);
  CHECK(grader.grade("<t>", {.thoughts = {{"<t>", "</t>"}}}).unfinished);
  CHECK(task.grade(sample, "b").state == "right");
  CHECK(Prepares::prepared == 2);
  CHECK(error_of([&] { (void)task.prepare(bad); }) == "sample's answer: expected a text, found nothing");
  const SampleGrader surprises = AnyTask(Surprises()).prepare(sample);  // lives longer than its task
  CHECK(error_of([&] { (void)surprises.grade(""); }) ==
        "task surprises: expected a state that the task declares, found 'surprised'");
}

TEST_CASE("The error for an unknown task has the nearest name and the list") {
  TaskRegistry registry;
  registry.add<Equal>();
  CHECK(error_of([&] { (void)registry.at("equl"); }) ==
        "task 'equl': unknown task; did you mean equal? Known names: equal");
}
