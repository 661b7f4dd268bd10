#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/sections/report_tables.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kvx;

namespace {
/// 48 answers about `contexts` contexts, with 90 parts.
ReportData counted(std::size_t contexts) {
  ReportData data;
  data.figures = {{"m", "t", {"none"}, {"memory_retained", 1, 48, contexts}},
                  {"m", "t", {"none"}, {"inst_strict", 0.5, 90, contexts}},
                  {"m", "other", {"none"}, {"memory_retained", 1, 500, 500}}};
  return data;
}
}  // namespace

TEST_CASE("Samples and contexts of a task are those of its answers, not of their parts") {
  const SampleCounts counts = sample_counts(counted(12), "m", "t");
  CHECK(counts.n == 48);
  CHECK(counts.contexts == 12);
  CHECK(sample_counts(counted(12), "m", "none").contexts == 0);
}

TEST_CASE("A picture's caption has both counts, with a note if there are few contexts") {
  const auto caption = [](std::size_t contexts) {
    ReportSection section{"id", "title"};
    detail::draw(section, Picture{"path", "title", "What it shows.", 1, 1}, sample_counts(counted(contexts), "m", "t"));
    return section.pictures.at(0).caption;
  };
  CHECK(caption(12) == "What it shows. 48 samples, 12 contexts.");
  CHECK(caption(1) ==
        "What it shows. 48 samples, 1 context. Note: fewer than 2 contexts: there is no interval and no p.");
  CHECK(caption(0) == "What it shows.");  // unknown
}

TEST_CASE("The table of all figures has the contexts next to n, and the note") {
  const ReportTable table = figure_table(counted(9), "m", "t");
  REQUIRE(table.head.size() > 3);
  CHECK(table.head[2] == "n");
  CHECK(table.head[3] == "contexts");
  CHECK(table.rows.at(0)[3].text == "9");
  CHECK(table.note.starts_with("Note: fewer than 10 contexts"));
  CHECK(figure_table(counted(10), "m", "t").note.empty());
  ReportData data = counted(10);
  data.figures.push_back({"m", "t", {"knorm", 0.5}, {"memory_retained", 0.5, 0, 0}});  // it can serve no context
  CHECK(figure_table(data, "m", "t").note.empty());
  data.figures.push_back({"m", "t", {"snapkv", 0.5}, {"memory_retained", 0.5, 12, 3}});
  CHECK(figure_table(data, "m", "t").note.starts_with("Note: fewer than 10 contexts"));
  CHECK(sample_counts(data, "m", "t").contexts == 10);
}
