#include <kvx/report/charts/gnuplot.hpp>
#include <kvx/report/load/load_report.hpp>
#include <kvx/report/pages/build_report.hpp>
#include <kvx/report/pages/write_report.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/metrics_of.hpp"
#include "support/report_results.hpp"
#include "support/temp_dir.hpp"

using namespace kvx;

namespace {
ReportData page_data(const std::string& results = report_results()) {
  const TempDir dir;
  ReportData data =
      load_report(std::vector{dir.write("results.csv", results), dir.write("k.csv", report_kv_metrics())});
  for (const char* press : {"none", "knorm"}) {
    Record record{"k", "org/m", "tool_call", press, press == std::string("none") ? 0 : 0.5, 7};
    record.sample = {"", "<b>why</b> & how?", "", std::string(700, 'g'), "tool_call_2", 8};
    record.predicted_answer = std::string("<script>") + press;
    record.grade = {press == std::string("none") ? "exact" : "unparsed",
                    metrics_of(ToolCallTask::metrics(), {{"call_exact", press == std::string("none")}})};
    data.records.push_back(record);
  }
  const Estimate drop{.n = 10, .contexts = 10}, rise{.n = 4, .contexts = 4};
  data.degradations = {{"org/m", "tool_call_2", {"knorm", 0.5}, "call_exact", {Degradation::silent, {}, drop, rise}},
                       {"org/m",
                        "tool_call_2",
                        {"knorm", 0.75},
                        "call_exact",
                        {Degradation::too_few, {.value = 2, .low = 1}, drop, rise}}};
  return data;
}

std::vector<std::string> titles(const Report& report) {
  std::vector<std::string> all;
  for (const ReportSection& section : report.sections) all.push_back(section.id);
  return all;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// The text between each `before` and the next quote.
std::vector<std::string> between(const std::string& text, const std::string& before) {
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = text.find(before, at)) != text.npos;) {
    at += before.size();
    found.push_back(text.substr(at, text.find_first_of("\"'", at) - at));
  }
  return found;
}
}  // namespace

TEST_CASE("Text in HTML is escaped") {
  CHECK(html_text("<a href=\"x\">&amp;\x01\n") == "&lt;a href=&quot;x&quot;&gt;&amp;amp;\xef\xbf\xbd\n");
}

TEST_CASE("A section whose input is absent is left out") {
  CHECK(titles(build_report(page_data())) == std::vector<std::string>{"summary", "divergence", "sds", "perplexity",
                                                                      "time", "heat", "states", "flipped", "figures"});
  const TempDir dir;
  const ReportData times = load_report(std::vector{dir.write("k.csv", report_kv_metrics())});
  CHECK(titles(build_report(times)) == std::vector<std::string>{"summary", "perplexity", "time", "figures"});
  CHECK(build_report(times).sections[2].pictures.size() == 1);  // wiki has no tpot
  CHECK(build_report(times, {"throughput"}).sections[2].pictures.size() == 2);
}

TEST_CASE("The summary names cells whose function drops while perplexity hardly rises") {
  ReportData data = page_data();
  std::erase_if(data.figures, [](const ResultRow& figure) { return figure.task == "perplexity/wiki"; });
  const ReportSection summary = build_report(data).sections[0];
  CHECK(summary.lines[0] ==
        "Function is significantly below the uncompressed base in 1 of 3 cells; in 1 of these "
        "perplexity rises by no more than 10\u00a0%:");
  CHECK(summary.points == std::vector<std::string>{
                              "m, knorm: call_exact of tool_call_2 falls by 50\u00a0% at 0.5 (perplexity +5\u00a0%)"});
}

TEST_CASE("Without gnuplot the report has its tables and no picture") {
  CHECK_FALSE(Gnuplot::find("no-such-program"));
  const TempDir dir;
  write_report(build_report(page_data()), dir.path() + "/a/b", Gnuplot::find("no-such-program"));
  const std::string page = read_text_file(dir.path() + "/a/b/report.html");
  const std::string text = read_text_file(dir.path() + "/a/b/RESULTS.md");
  CHECK_FALSE(std::filesystem::exists(dir.path() + "/a/b/plots"));
  CHECK_FALSE(holds(page, "<svg"));
  CHECK_FALSE(holds(text, "!["));
  CHECK_FALSE(holds(text, "## Perplexity"));  // a section with only a picture
  CHECK_FALSE(holds(page, "id=\"perplexity\""));
  CHECK(holds(page, "<strong>maximally silent</strong>"));
  CHECK(holds(page, "<strong>∞ [∞, ∞]</strong>"));
  CHECK(holds(page, "<em>too few contexts</em>"));
  CHECK(holds(text, "**maximally silent**"));
  CHECK(holds(text, "0.40 [0.20, 0.60] −0.40 (p = 0.020)"));
  CHECK(holds(page, "&lt;script&gt;knorm"));
  CHECK_FALSE(holds(page, "<script"));
  CHECK(holds(page, "&lt;b&gt;why&lt;/b&gt; &amp; how?"));
  CHECK(holds(page, "<details><summary>the whole text</summary><pre>" + std::string(700, 'g') + "</pre>"));
}

TEST_CASE("With gnuplot each picture is in the page and in a file, and the page needs no other file") {
  const auto gnuplot = Gnuplot::find();
  if (!gnuplot) return;
  std::string odd = report_results();
  for (std::size_t at = 0; (at = odd.find("knorm", at)) != odd.npos; at += 9) odd.replace(at, 5, "\"k<'_`x\"");
  const Report report = build_report(page_data(odd));
  const TempDir dir;
  write_report(report, dir.path(), gnuplot);
  const std::string page = read_text_file(dir.path() + "/report.html");
  std::size_t pictures = 0;
  for (const ReportSection& section : report.sections) pictures += section.pictures.size();
  CHECK(pictures == 6);
  CHECK(between(page, "<svg").size() == pictures);
  CHECK(holds(page, "k&lt;'_`x"));
  for (const std::string& path : between(read_text_file(dir.path() + "/RESULTS.md"), "](plots/"))
    CHECK(read_text_file(dir.path() + "/plots/" + path.substr(0, path.find(')'))).starts_with("\x89PNG"));
  std::vector<std::string> ids = between(page, " id=\"");
  for (const std::string& id : between(page, " id='")) ids.push_back(id);
  CHECK(std::set(ids.begin(), ids.end()).size() == ids.size());
  const std::set<std::string> known(ids.begin(), ids.end());
  for (const char* reference : {"href='#", "href=\"#"})
    for (const std::string& id : between(page, reference)) CHECK(known.contains(id));
  CHECK_FALSE(holds(page, "://"));
  CHECK_FALSE(holds(page, "black"));
  CHECK_FALSE(holds(page, " color='white'"));
}

TEST_CASE("If gnuplot cannot draw a script, its message is the error") {
  const auto gnuplot = Gnuplot::find();
  if (!gnuplot) return;
  CHECK(holds(error_of([&] {
                gnuplot->draw({"plots/x.png", "", "", 100, 100, "plot nonsense"});
              }),
              "plots/x.png: gnuplot cannot draw it: "));
}

TEST_CASE("Text between an SVG's tags is unchanged, and its ids get a prefix") {
  CHECK(inline_svg("<?xml?>\n<svg x=\"1\"><title>f</title><text fill=\"black\"> id='a' \"black\"</text><use "
                   "xlink:href='#a' id='b' color='white'/><g clip-path='url(#c)'/></svg>",
                   "p-", "l") ==
        "<svg x=\"1\"><text fill=\"currentColor\"> id='a' \"black\"</text><use xlink:href='#p-a' id='p-b' "
        "color='white'/><g clip-path='url(#p-c)'/></svg>");
}
