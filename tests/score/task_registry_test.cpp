#include <kvx/score/task_registry.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

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

TEST_CASE("The error for an unknown task has the nearest name and the list") {
  TaskRegistry registry;
  registry.add<Equal>();
  CHECK(error_of([&] { (void)registry.at("equl"); }) ==
        "task 'equl': unknown task; did you mean equal? Known names: equal");
}
