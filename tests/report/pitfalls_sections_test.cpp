#include <kvx/report/charts/gnuplot.hpp>
#include <kvx/report/load/load_report.hpp>
#include <kvx/report/pages/build_report.hpp>
#include <kvx/report/pages/write_report.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "report/pitfalls_results.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
ReportData pitfalls_data() {
  const TempDir dir;
  write_pitfalls(dir);
  return load_report(std::vector{dir.path()});
}

std::vector<std::string> row_texts(const std::vector<TableField>& row) {
  std::vector<std::string> texts;
  for (const TableField& field : row) texts.push_back(field.text);
  return texts;
}

std::vector<std::string> picture_paths(const ReportSection& section) {
  std::vector<std::string> paths;
  for (const Picture& picture : section.pictures) paths.push_back(picture.path.substr(picture.path.rfind('/') + 1));
  return paths;
}

bool draws(const Picture& picture, const std::string& part) { return picture.script.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("Classes have a picture for a press and its fair form, and small ones are named with their number of parts") {
  const ReportSection section = class_section(pitfalls_data());
  REQUIRE(picture_paths(section) == std::vector<std::string>{"m_ifeval_sys_ifeval_classes_snapkv_window_16_.png"});
  const Picture& picture = section.pictures[0];
  CHECK(draws(picture, "set title 'snapkv(window=16)'"));
  CHECK(draws(picture, "set title 'fair(snapkv(window=16))'"));
  CHECK(draws(picture, "lc rgb '#D55E00' lw 0.9 ps 0.5 pt 5 dt 1 title 'language (n = 8)'"));
  CHECK(draws(picture, "lc rgb '#0072B2' lw 1.8 ps 0.8 pt 7 dt 1 title 'keywords'"));
  CHECK_FALSE(draws(picture, "existence"));
  CHECK(draws(picture, "EOD\n-0.02 0.8 \n0.95"));                     // the base's level
  CHECK(draws(picture, "EOD\n0 0.8 \n0.494 0.7 \n0.894 0.2 \nEOD"));  // shifted sideways because of the intervals
  CHECK(draws(picture, "EOD\n0 0.5 \n0.9 0 \nEOD"));                  // language has no intervals, and no cell at 0.5
}

TEST_CASE("The table of classes marks figures below or above the base, and names the extremes of large classes") {
  const ReportTable table = class_section(pitfalls_data()).tables.at(0);
  CHECK(table.head == std::vector<std::string>{"press", "ratio", "inst_strict", "lowest", "highest", "gap",
                                               "keywords (n = 40, contexts = 30)", "language (n = 8, contexts = 8)",
                                               "length (n = 20, contexts = 20)"});
  CHECK(table.note.find(". Note: fewer than 10 contexts: ") != table.note.npos);  // of language
  REQUIRE(table.rows.size() == 4);
  CHECK(row_texts(table.rows[1]) == std::vector<std::string>{"snapkv(window=16)", "0.9", "0.30 [0.20, 0.40]",
                                                             "keywords", "length", "0.35", "0.20 [0.10, 0.30] ↓",
                                                             "0.00", "0.55 [0.30, 0.70]"});
  CHECK(table.rows[1][6].weight == TableField::Weight::strong);
  CHECK(table.rows[1][8].weight == TableField::Weight::plain);
  CHECK(row_texts(table.rows[2]) == std::vector<std::string>{"snapkv(window=16)", "0.5", "0.60 [0.50, 0.70]", "length",
                                                             "keywords", "0.05", "0.70 [0.60, 0.80]", "–",
                                                             "0.65 [0.40, 0.80] ↑"});
}

TEST_CASE("Leakage has a picture by defense and one by attack, and a table of each") {
  const ReportSection section = leakage_section(pitfalls_data());
  CHECK(picture_paths(section) == std::vector<std::string>{"m_leakage_defenses_snapkv_window_16_.png",
                                                           "m_leakage_attacks_snapkv_window_16_.png"});
  CHECK(draws(section.pictures[0], "title 'standard'"));
  CHECK(draws(section.pictures[1], "title 'Prefix Injection'"));
  CHECK_FALSE(draws(section.pictures[0], "Prefix"));
  REQUIRE(section.tables.size() == 2);
  CHECK(section.tables[1].note == detail::kGroupNote);
  CHECK(section.tables[1].head.back() == "Prefix Injection (n = 20, contexts = 20)");
  CHECK(section.tables[1].rows[1].back().text == "0.50 [0.30, 0.60] ↑");
}

TEST_CASE("Following and leaking share a picture; a press with unknown leakage has only its following") {
  ReportData data = pitfalls_data();
  const ReportSection section = following_section(data);
  CHECK(picture_paths(section) ==
        std::vector<std::string>{"m_ifeval_sys_ifeval_leakage_following_snapkv_window_16_.png",
                                 "m_ifeval_sys_ifeval_leakage_following_knorm.png"});
  const Picture& picture = section.pictures[0];
  CHECK(draws(picture, "dt 1 title 'inst_strict of ifeval/sys_ifeval'"));
  CHECK(draws(picture, "dt 2 title 'rougeL_recall of leakage'"));
  CHECK(draws(picture, "EOD\n0 0.7 \n0.497 0.6 \n0.897 0.3 \nEOD"));
  CHECK(draws(picture, "EOD\n0 0.1 \n0.903 0.35 \nEOD"));
  CHECK(draws(picture, "EOD\n-0.02 0.1 \n0.95"));
  // prompt_strict is used if a task has no inst_strict, and figures of another model are not.
  for (ResultRow& row : data.figures)
    if (row.figure.name == "inst_strict") row.figure.name = "prompt_strict";
  CHECK(draws(following_section(data).pictures[0], "title 'prompt_strict of ifeval/sys_ifeval'"));
  for (ResultRow& row : data.figures)
    if (row.figure.name == "prompt_strict") row.model = "other";
  CHECK(following_section(data).empty());
}

TEST_CASE("The shares kept of spans begin at 1, and are compared with the share kept of the whole prompt") {
  const ReportSection section = kept_section(pitfalls_data());
  CHECK(picture_paths(section) ==
        std::vector<std::string>{"m_leakage_kept_snapkv_window_16_.png", "m_leakage_kept_by_layer.png"});
  CHECK(draws(section.pictures[0], "EOD\n0 1 \n0.9 0.03125 \nEOD"));
  CHECK(draws(section.pictures[0], "lc rgb '#858585' lw 1.6 ps 0 pt 7 dt 2 title 'whole prompt'"));
  CHECK(draws(section.pictures[0], "lc rgb '#D55E00' lw 1.8 ps 0.8 dt 1 pt 7 title 'defense'"));
  const ReportTable& table = section.tables.at(0);
  CHECK(table.note.find(" (all). Note: fewer than 10 contexts: ") != table.note.npos);
  CHECK(table.head == std::vector<std::string>{"press", "ratio", "defense", "instructions", "rest", "all"});
  CHECK(row_texts(table.rows.at(0)) == std::vector<std::string>{"snapkv(window=16)", "0.9", "0.03 (×\u00a00.25)",
                                                                "0.06 (×\u00a00.50)", "0.25 (×\u00a02.00)", "0.12"});
}

TEST_CASE("A map by layer has a box for each layer and span, with the mean over heads") {
  const Picture picture = *kept_layer_map(pitfalls_data(), "org/m", "leakage");
  REQUIRE(picture.height == 205);
  for (const auto& [share, top] : {std::pair(0.15, 80.5), std::pair(0.5, 102.5)}) {  // a layer is 22 pixels high
    std::istringstream lines(picture.script);
    std::size_t found = 0;
    for (std::string line; std::getline(lines, line);)
      found += line.find(", screen " + six_digits(1 - top / 205) + " to ") != line.npos &&
               line.find(" fc rgb " + std::to_string(detail::heat(share)) + " fs") != line.npos;
    CHECK(found == 1);
  }
  CHECK(draws(picture, "set label 'ratio 0.9' "));
  CHECK(draws(picture, "set label 'defense' "));
  CHECK_FALSE(kept_layer_map(pitfalls_data(), "org/m", "ifeval"));
}

TEST_CASE("If there are many cells, each press has the one that removes most") {
  std::vector<CellName> cells;
  for (int i = 1; i <= 6; ++i) cells.push_back({"a", i / 10.0});
  for (int i = 6; i >= 1; --i) cells.push_back({"b", i / 10.0});
  CHECK(detail::few_cells(cells).size() == 12);
  cells.push_back({"b", 0.1});
  CHECK(detail::few_cells(cells) == std::vector<CellName>{{"a", 0.6}, {"b", 0.6}});
}

TEST_CASE("Entropies are means over blocks of 8 tokens that at least 5 answers reach") {
  AnswerEntropy entropy{"m", "t", {"knorm", 0.5}, std::vector<AnswerEntropy::Token>(10, {1, 10})};
  entropy.tokens[7] = {3, 30};
  entropy.tokens[9] = {99, 4};
  const std::vector<ChartPoint> points = entropy_points(entropy);
  REQUIRE(points.size() == 2);
  CHECK(points[0].x == 3.5);
  CHECK(points[0].y.value == doctest::Approx((7 * 10 + 3 * 30) / 100.0));
  CHECK(points[1].x == 8);
  CHECK(points[1].y.value == 1);
}

TEST_CASE("The table of entropies weighs tokens by their answers, and changes by their pairs") {
  const ReportSection section = entropy_section(pitfalls_data());
  CHECK(picture_paths(section) == std::vector<std::string>{"m_leakage_entropy_snapkv_window_16_.png"});
  CHECK(draws(section.pictures[0], "EOD\n0.5 2.90909"));  // (6 * 2 + 5 * 4) / 11; the third token has too few answers
  const ReportTable& table = section.tables.at(0);
  CHECK(row_texts(table.rows.at(0)) == std::vector<std::string>{"none", "0", "6", "1.000", "–"});
  CHECK(row_texts(table.rows.at(1)) ==
        std::vector<std::string>{"snapkv(window=16)", "0.9", "15", "4.533", "+1.500"});  // (6 * 1 + 2 * 3) / 8
}

TEST_CASE("The summary names the classes that fall most and least, and the leakage") {
  ReportData data = pitfalls_data();
  CHECK(pitfalls_summary(data) ==
        std::vector<std::string>{
            "m, instructions of ifeval/sys_ifeval: with snapkv(window=16) at ratio 0.9, keywords loses most (−0.60, to "
            "0.20) and length least (−0.05, to 0.55); with fair(snapkv(window=16)) at ratio 0.9, length loses most "
            "(−0.30, to 0.30) and keywords least (−0.20, to 0.60).",
            "m: leakage (rougeL_recall of leakage) with snapkv(window=16) is highest, compared with the base, at ratio "
            "0.9, where it rises by 0.25 [0.10, 0.40] to 0.35 (p = 0.003); with fair(snapkv(window=16)) it is 0.15, "
            "−0.20 compared with snapkv(window=16)."});
  for (ResultRow& row : data.figures)
    if (row.cell.press.starts_with("fair")) row.cell.ratio = 0.8;
  CHECK(pitfalls_summary(data).back().ends_with(" to 0.35 (p = 0.003)."));  // not at the same ratio
  ResultRow mild = *data.find("org/m", "leakage", {"snapkv(window=16)", 0.9}, "rougeL_recall");
  mild.cell.ratio = 0.3;
  mild.change.value = 0.4;
  data.figures.push_back(mild);
  CHECK(pitfalls_summary(data).back().find("highest, compared with the base, at ratio 0.3") != std::string::npos);
  ResultRow fall = *data.find("org/m", "leakage", {"snapkv(window=16)", 0.9}, "rougeL_recall");
  fall.figure.value = 0.05;
  fall.change.value = -0.05, fall.change.low = -0.1, fall.change.high = 0.02;
  CHECK(detail::change_text(fall) == "falls by 0.05 [-0.02, 0.10] to 0.05 (p = 0.003)");
  fall.change.value = 0;
  CHECK(detail::change_text(fall) == "stays at 0.05");
}

TEST_CASE("A report has the sections for which its directory has data, and no other") {
  ReportData data = pitfalls_data();
  const auto ids = [&] {
    std::vector<std::string> all;
    for (const ReportSection& section : build_report(data).sections) all.push_back(section.id);
    return all;
  };
  CHECK(ids() == std::vector<std::string>{"summary", "classes", "leakage", "following", "kept", "prompts", "entropy",
                                          "figures"});
  data.groups.clear();
  data.prompts.clear();
  CHECK(ids() == std::vector<std::string>{"summary", "following", "kept", "entropy", "figures"});
}

TEST_CASE("Prompts are on the page only, and the same input gives the same files") {
  const ReportData data = pitfalls_data();
  const auto gnuplot = Gnuplot::find();
  const TempDir one, other;
  write_report(build_report(data), one.path(), gnuplot);
  write_report(build_report(data), other.path(), gnuplot);
  const std::string page = read_text_file(one.path() + "/report.html");
  const std::string text = read_text_file(one.path() + "/RESULTS.md");
  CHECK(page == read_text_file(other.path() + "/report.html"));
  CHECK(text == read_text_file(other.path() + "/RESULTS.md"));
  CHECK(page.find("token 1, defense: kept by 0 of 4 heads\"> not</s>") != page.npos);
  CHECK(page.find("&lt;do&gt;") != page.npos);
  CHECK(page.find("<summary>knorm</summary>") != page.npos);
  CHECK(text.find("report.html shows the first prompt") != text.npos);
  CHECK(text.find("&lt;do") == text.npos);
}
