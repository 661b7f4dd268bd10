#include <kvx/eval/tables/report_markdown.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace kvx;

namespace {
/// The change of a metric with its p values.
Estimate change(const char* name, double value, std::size_t n, std::size_t contexts, double p, double holm_p) {
  return {.name = name, .value = value, .n = n, .contexts = contexts, .p = p, .holm_p = holm_p};
}

CellResult cell(const char* press, double ratio, double a, std::vector<Estimate> changes = {}) {
  CellResult result{"m", "t", "t_8", {press, ratio}};
  result.score.n = 40;
  result.score.contexts = 12;
  result.score.metrics = {{"a", a, 40, 12, 0.714, 0.906}, {"b", 0.5, 4, 4, 0.15, 0.85}};
  result.score.summaries = {{"s"}};
  result.changes = std::move(changes);
  result.kept_bytes = 1'234'567;
  result.full_bytes = 2'000'000;
  return result;
}
}  // namespace

TEST_CASE("A report is a table with a row for each cell") {
  std::vector<CellResult> cells = {
      cell("none", 0, 0.95),
      cell("knorm", 0.5, 0.825, {change("a", -0.125, 40, 12, 0.01, 0.03125), change("b", 0, 4, 4, 1, 1)}),
      cell("tova", 0.75, 0, {change("a", -0.95, 40, 12, 1e-10, 1e-9), change("b", 0.25, 4, 4, 0.5, 0.99)})};
  cells[2].not_applicable = 3;
  const std::string expected = R"(m: t_8

| press | ratio | n  | contexts | a                                 | b                                 | s | not applicable | MB kept |
| ----- | ----- | -- | -------- | --------------------------------- | --------------------------------- | - | -------------- | ------- |
| none  | 0     | 40 | 12       | 0.95 [0.71, 0.91]                 | 0.50 [0.15, 0.85]                 | - | 0              | 1.23    |
| knorm | 0.5   | 40 | 12       | 0.82 [0.71, 0.91] -0.12 (p=0.031) | 0.50 [0.15, 0.85] =               | - | 0              | 1.23    |
| tova  | 0.75  | 40 | 12       | 0.00 [0.71, 0.91] -0.95 (p<0.001) | 0.50 [0.15, 0.85] +0.25 (p=0.990) | - | 3              | 1.23    |

value [95 % interval], change from none on the same samples (p value, Holm-corrected over the table); intervals and p values treat each context as one unit
)";
  CHECK(report_markdown(cells) == expected);
}

TEST_CASE("Each model and group has a table of its own, and the speed has a column if it is known") {
  std::vector<CellResult> cells = {cell("none", 0, 1), cell("none", 0, 1), cell("a|b", 0.5, 1)};
  cells[1].group = "hard";
  const std::string text = report_markdown(
      cells, [](const CellResult& c) { return c.cell.ratio == 0 ? std::optional(12.34) : std::nullopt; });
  const std::string expected = R"(m: t_8

| press | ratio | n  | contexts | a                 | b                 | s | not applicable | MB kept | tokens/s |
| ----- | ----- | -- | -------- | ----------------- | ----------------- | - | -------------- | ------- | -------- |
| none  | 0     | 40 | 12       | 1.00 [0.71, 0.91] | 0.50 [0.15, 0.85] | - | 0              | 1.23    | 12.3     |
| a\|b  | 0.5   | 40 | 12       | 1.00 [0.71, 0.91] | 0.50 [0.15, 0.85] | - | 0              | 1.23    | -        |

m: t/hard

| press | ratio | n  | contexts | a                 | b                 | s | not applicable | MB kept | tokens/s |
| ----- | ----- | -- | -------- | ----------------- | ----------------- | - | -------------- | ------- | -------- |
| none  | 0     | 40 | 12       | 1.00 [0.71, 0.91] | 0.50 [0.15, 0.85] | - | 0              | 1.23    | 12.3     |
)";
  CHECK(text.starts_with(expected));
}

TEST_CASE("Few contexts add a note, and figures without an interval or p are written without them") {
  std::vector<CellResult> cells = {cell("none", 0, 1), cell("knorm", 0.5, 0.5, {{"a", -0.5, 40, 1}, {"b"}})};
  cells[1].score.metrics[0] = {"a", 0.5, 40, 1};
  for (CellResult& result : cells) result.score.contexts = 9;
  CHECK(report_markdown(cells).find("\nNote: fewer than 10 contexts: ") != std::string::npos);
  cells.front().score.contexts = 12;
  CHECK(report_markdown(cells).find("\nNote: fewer than 10 contexts: ") != std::string::npos);
  for (CellResult& result : cells) result.score.contexts = 1;
  const std::string text = report_markdown(cells);
  CHECK(text.find("\nNote: fewer than 2 contexts: there is no interval and no p\n") != std::string::npos);
  CHECK(text.find("| knorm | 0.5   | 40 | 1        | 0.50 -0.50        |") != std::string::npos);
}

TEST_CASE("A cell without an answer has a row") {
  CellResult none{"m", "t", "t", {"snapkv", 0.5}};
  none.not_applicable = 4;
  none.score.metrics = {{"a"}};
  none.kept_bytes = std::numeric_limits<double>::quiet_NaN();
  CHECK(report_markdown(std::vector{none}).find("| snapkv | 0.5   | 0 | 0        | - | 4              | -       |") !=
        std::string::npos);
}
