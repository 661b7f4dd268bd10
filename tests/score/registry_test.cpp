#include <kvx/score/registry.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
/// A task of somebody else: is the answer the one that was wanted?
struct Equal {
  static constexpr std::string_view name = "equal";
  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 1> kNames = {"equal"};
    return kNames;
  }
  Grade grade(const Sample& sample, std::string_view answer) const {
    return answer == sample.answer ? Grade{"right", {1.0}} : Grade{"wrong", {0.0}};
  }
};
static_assert(GradesAnswers<Equal> && !SummarizesGrades<Equal>);
static_assert(!GradesAnswers<int>);
}  // namespace

TEST_CASE("A task is added once") {
  TaskRegistry registry;
  registry.add<Equal>();
  CHECK(registry.at("equal").grade({"", "", "", "x", "", 1}, "x").state == "right");
  CHECK(registry.tasks().size() == 1);
  CHECK(error_of([&] { registry.add<Equal>(); }) == "task equal: there is one of this name");
}

TEST_CASE("An unknown task gets the nearest name and the list") {
  TaskRegistry registry;
  registry.add<Equal>();
  CHECK(error_of([&] { (void)registry.at("equl"); }) ==
        "task 'equl': unknown task; did you mean equal? There are: equal");
}
