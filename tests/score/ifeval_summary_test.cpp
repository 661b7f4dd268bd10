#include <kvx/score/ifeval/ifeval_summary.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using namespace kvx;

namespace {
/// An answer to one instruction of class a, and another of class b.
Grade ifeval_grade(bool a, bool b) {
  return {"", {}, "", {{"a:x", {double(a), 1.0}}, {"b:y", {double(b), double(b)}}}};
}
std::string share_names(const std::vector<Estimate>& shares) {
  std::string names;
  for (const Estimate& share : shares) names += share.name + " ";
  return names;
}
}  // namespace

TEST_CASE("Summaries pool instructions and have the lowest and the highest class, with intervals") {
  std::vector<Grade> grades;
  for (int i = 0; i < 40; ++i) grades.push_back(ifeval_grade(i % 4 != 0, i % 2 == 0));
  const auto shares = ifeval_summaries(grades);
  REQUIRE(share_names(shares) == "inst_strict inst_loose class_low class_high ");
  CHECK(shares[0].value == doctest::Approx(0.625));
  CHECK(shares[0].n == 80);
  CHECK(shares[1].value == doctest::Approx(0.75));
  CHECK(shares[2].value == doctest::Approx(0.5));
  CHECK(shares[2].n == 40);
  CHECK(shares[3].value == doctest::Approx(0.75));
  for (const Estimate& share : shares) {
    CAPTURE(share.name);
    CHECK(share.low < share.value);
    CHECK(share.high > share.value);
  }
}

TEST_CASE("Instructions of one answer are not independent") {
  std::vector<Grade> separate, together;
  for (int i = 0; i < 100; ++i) {
    separate.push_back({"", {}, "", {{"a:x", {double(i % 2), 1.0}}}});
    if (i % 5 == 0) together.push_back({"", {}, "", std::vector<GradePart>(5, {"a:x", {double(i % 10 == 0), 1.0}})});
  }
  const Estimate few = ifeval_summaries(together)[0], many = ifeval_summaries(separate)[0];
  CHECK(few.n == many.n);
  CHECK(few.high - few.low > 1.8 * (many.high - many.low));
}

TEST_CASE("A class of few instructions is neither the lowest nor the highest") {
  std::vector<Grade> grades;
  for (int i = 0; i < 19; ++i) grades.push_back(ifeval_grade(true, false));
  auto shares = ifeval_summaries(grades);
  CHECK(std::isnan(shares[2].value));
  CHECK(shares[2].n == 0);
  grades.push_back({"", {}, "", {{"b:y", {1.0, 1.0}}}});
  shares = ifeval_summaries(grades);
  CHECK(shares[2].value == doctest::Approx(0.05));
  CHECK(shares[3].value == shares[2].value);
}

TEST_CASE("Answers without parts have summaries without values") {
  const std::vector<Grade> grades = {{"followed", {1.0, 1.0}}};
  for (const auto& shares : {ifeval_summaries(grades), ifeval_summaries({})}) {
    REQUIRE(share_names(shares) == "inst_strict inst_loose class_low class_high ");
    CHECK(shares[0].n == 0);
    CHECK(std::isnan(shares[0].value));
  }
}
