#include <kvx/report/load/load_report.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/error_of.hpp"
#include "support/report_results.hpp"
#include "support/temp_dir.hpp"
#include "support/two_metrics.hpp"

using namespace kvx;

namespace {
std::string load_error(const std::string& name, const std::string& text) {
  const TempDir dir;
  const std::string path = dir.write(name, text);
  const std::string error = error_of([&] { load_report(std::vector{path}); });
  return error.starts_with(path) ? error.substr(path.size()) : error;
}

std::string replaced(std::string text, const std::string& pattern, const std::string& replacement) {
  return text.replace(text.find(pattern), pattern.size(), replacement);
}

TaskRegistry two_metrics() {
  TaskRegistry tasks;
  tasks.add<TwoMetrics>();
  return tasks;
}

/// A line of records.jsonl.
std::string record_line(const char* press, const char* ratio, const char* state, const char* task = "t") {
  return std::string(R"({"key":"k","model":"m","task":"t","graded_as":")") + task + R"(","press":")" + press +
         R"(","ratio":)" + ratio + R"(,"budget":"","query_aware":false,"index":0,"attempt":0,"state":")" + state +
         R"(","metrics":{"a":1,"b":null},"detail":"","kept_bytes":1,"full_bytes":1,"max_new_tokens":1,)"
         R"("predicted_answer":"","answer":"","answer_prefix":"","question":"","context":"long"})"
         "\n";
}
}  // namespace

TEST_CASE("A directory is read with its kv_metrics.csv, without the figures that results.csv has already") {
  const TempDir dir;
  dir.write("results.csv", report_results());
  dir.write("m_kv_metrics.csv", report_kv_metrics());
  dir.write("config.yaml", "dtype: \"bf16\"\nlimit: \"\"\n");
  dir.write("run.json", R"({"finished":"today","cores":2,"cells":[]})");
  const ReportData data = load_report(std::vector{dir.path()});
  CHECK(data.models() == std::vector<std::string>{"org/m"});
  CHECK(data.short_name("org/m") == "m");
  CHECK(data.methods() == std::vector<CellName>{{"knorm"}, {"snapkv(window=32, kernel=5)", 0, {}, true}});
  CHECK(data.tasks("org/m", "perplexity") == std::vector<std::string>{"perplexity/story", "perplexity/wiki"});
  CHECK(data.find("org/m", "perplexity/story", {"knorm", 0.5}, "perplexity")->figure.value == 21);
  CHECK(data.find("org/m", "perplexity/wiki", {"knorm", 0.5}, "perplexity")->figure.value == 12);
  CHECK(data.find("org/m", "latency/story", {"knorm", 0.5}, "tpot_median")->figure.value == 0.02);
  CHECK(data.find("org/m", "latency/wiki", {"knorm", 0.5}, "tpot_median") == nullptr);
  const ResultRow& row = *data.find("org/m", "tool_call_2", {"knorm", 0.5}, "call_exact");
  CHECK(row.figure.n == 10);
  CHECK(row.figure.low == 0.2);
  CHECK(row.drops());
  CHECK_FALSE(data.find("org/m", "tool_call_2", {"knorm", 0.75}, "call_exact")->drops());
  REQUIRE(data.runs.size() == 1);
  using Fact = std::pair<std::string, std::string>;
  CHECK(data.runs[0].facts == std::vector<Fact>{{"dtype", "bf16"}, {"finished", "today"}, {"cores", "2"}});
}

TEST_CASE("Figures of a kv_metrics.csv alone have the contexts of their own column") {
  const TempDir dir;
  const auto figure = [&](const std::string& text, const std::string& task, const std::string& metric) {
    const ReportData data = load_report(std::vector{dir.write("kv_metrics.csv", text)});
    return data.find("m", task, {"knorm", 0.5}, metric)->figure;
  };
  const std::string before = report_kv_metrics();  // without ppl_contexts
  CHECK(figure(before, "latency/story", "tpot_median").contexts == 2);
  CHECK(figure(before, "latency/story", "tpot_median").n == 2);
  CHECK(figure(before, "perplexity/wiki", "perplexity").contexts == 0);
  const std::string row = before.substr(before.rfind("\nm,") + 1);
  const std::string now =
      replaced(before.substr(0, before.find('\n')), "throughput_ratio", "throughput_ratio,ppl_contexts") + "\n" +
      row.substr(0, row.size() - 1) + ",7\n";
  CHECK(figure(now, "perplexity/wiki", "perplexity").contexts == 7);
  CHECK(figure(now, "latency/wiki", "ttft_median").contexts == 2);
}

TEST_CASE("Models whose paths have the same last part are named by their whole paths") {
  ReportData data;
  data.figures = {{"a/m", "t", {"none"}, {"x"}}, {"b/m", "t", {"none"}, {"x"}}, {"b/n/", "t", {"none"}, {"x"}}};
  CHECK(data.short_name("a/m") == "a/m");
  CHECK(data.short_name("b/n/") == "n");
}

TEST_CASE("Invalid input is an error that names file, line and column") {
  const std::string results = report_results();
  CHECK(load_error("r.csv", "a,b\n1,2\n") == ": line 1: expected a column model, found a,b");
  CHECK(load_error("r.csv", replaced(results, ",holm_p", ",holm"))
            .starts_with(": line 1: expected a column holm_p, found "));
  CHECK(load_error("r.csv", replaced(results, ",contexts,", ",content,"))
            .starts_with(": line 1: expected a column contexts, found "));
  CHECK(load_error("r.csv", replaced(results, "0.8,10", "0.8,ten")) ==
        ": line 2: column n: expected a number, found 'ten'");
  CHECK(load_error("r.csv", replaced(results, "0.8,10", "0.8,1.5")) ==
        ": line 2: column n: expected a whole number, found '1.5'");
  CHECK(load_error("r.csv", replaced(results, "knorm,0.5", "knorm,1.5")) ==
        ": line 4: column compression_ratio: expected 0 to 1, found '1.5'");
  CHECK(load_error("r.csv", replaced(results, "knorm,0.75", "knorm,0.5")) ==
        ": line 6: expected each cell's metric once, found call_exact of knorm again, with another value");
  CHECK(load_error("k.csv", replaced(report_kv_metrics(), ",tpot,", ",tpat,"))
            .starts_with(": line 1: expected a column tpot, found "));
  CHECK(load_error("k.csv", replaced(report_kv_metrics(), "0.04", "fast")) ==
        ": line 2: column tpot: expected a number, found 'fast'");
  CHECK(load_error("results.csv", results.substr(0, results.find('\n') + 1)) ==
        ": expected rows with figures, found none");
  const TempDir empty;
  CHECK(error_of([&] { load_report(std::vector{empty.path()}); }) ==
        empty.path() + ": expected results.csv or a *_kv_metrics.csv, found neither");
  CHECK(error_of([&] { load_report(std::vector{empty.path() + "/none.csv"}); }) ==
        empty.path() + "/none.csv: cannot open: No such file or directory");
}

TEST_CASE("Two runs may have the same base, which counts once") {
  const TempDir dir;
  const std::string head = report_results().substr(0, report_results().find('\n') + 1);
  const std::string base = "m,none,0,,false,t,a,0.5,4,2,,,,,,,,more\n";
  dir.write("1/results.csv", head + base + "m,knorm,0.5,,false,t,a,0.25,4,2,,,,,,,,more\n");
  dir.write("2/results.csv", head + base + "m,tova,0.5,,false,t,a,0.25,4,2,,,,,,,,more\n");
  dir.write("1/records.jsonl", record_line("none", "0", "x") + record_line("knorm", "0.5", "y"));
  dir.write("2/records.jsonl", record_line("none", "0", "x") + record_line("tova", "0.5", "z") + "{\"key\":\"torn");
  const ReportData data = load_report(std::vector{dir.path() + "/1", dir.path() + "/2"}, two_metrics());
  CHECK(data.figures.size() == 3);
  CHECK(data.figures[0].figure.contexts == 2);
  REQUIRE(data.records.size() == 3);
  CHECK(data.records[2].press == "tova");
  CHECK(data.records[0].sample.context.empty());
}

TEST_CASE("The same base with another number of samples is another run's") {
  const TempDir dir;
  const std::string head = report_results().substr(0, report_results().find('\n') + 1);
  const std::string repeated = ": line 2: expected each cell's metric once, found a of none again, with another ";
  dir.write("1/results.csv", head + "m,none,0,,false,t,a,1,9,3,,,,,,,,more\n");
  const auto message = [&](const std::string& n_and_contexts) {
    const std::string path =
        dir.write("2/results.csv", head + "m,none,0,,false,t,a,1," + n_and_contexts + ",,,,,,,,more\n");
    const std::string error = error_of([&] {
      load_report(std::vector{dir.path() + "/1", dir.path() + "/2"}, two_metrics());
    });
    return error.starts_with(path) ? error.substr(path.size()) : error;
  };
  CHECK(message("120,3") == repeated + "n");
  CHECK(message("9,4") == repeated + "number of contexts");
  CHECK(message("9,3").empty());
}

TEST_CASE("A later grade of an answer that was not run counts") {
  const TempDir dir;
  dir.write("results.csv", report_results());
  for (const bool run_first : {true, false}) {
    const std::string run = record_line("none", "0", "x"), not_run = record_line("none", "0", "not_run");
    dir.write("records.jsonl", run_first ? run + not_run : not_run + run);
    const ReportData data = load_report(std::vector{dir.path()}, two_metrics());
    REQUIRE(data.records.size() == 1);
    CHECK(data.records[0].grade.state == "x");
  }
}

TEST_CASE("Records of tasks that are not registered are left out") {
  const TempDir dir;
  dir.write("results.csv", report_results());
  dir.write("records.jsonl", record_line("none", "0", "x", "u") + record_line("none", "0", "x"));
  const ReportData data = load_report(std::vector{dir.path()}, two_metrics());
  REQUIRE(data.records.size() == 1);
  CHECK(data.records[0].task == "t");
}

TEST_CASE("Column better of results.csv decides whether a change is worse") {
  const std::string head =
      "model,press,compression_ratio,budget,query_aware,task,metric,value,n,contexts,low,high,change,change_low,change_"
      "high,p,holm_p,"
      "better\n";
  const TempDir dir;
  dir.write("results.csv", head +
                               "m,none,0,,false,t,a,0.5,4,4,,,,,,,,more\nm,knorm,0.5,,false,t,leaked,0.5,4,4,0,1,0.3,0."
                               "2,0.4,0.01,0.01,less\n" +
                               "m,knorm,0.5,,false,t,a,0.5,4,4,0,1,0.3,0.2,0.4,0.01,0.01,more\n" +
                               "m,knorm,0.5,,false,t,mistakes,0.5,4,4,0,1,-0.3,-0.4,-0.2,0.01,0.01,less\n" +
                               "m,knorm,0.5,,false,t,tokens,0.5,4,4,0,1,-0.3,-0.4,-0.2,0.01,0.01,neither\n");
  const ReportData data = load_report(std::vector{dir.path()});
  CHECK(data.find("m", "t", {"knorm", 0.5}, "leaked")->drops());
  for (const char* metric : {"a", "mistakes", "tokens"})
    CHECK_FALSE(data.find("m", "t", {"knorm", 0.5}, metric)->drops());
  dir.write("results.csv", head + "m,none,0,,false,t,a,0.5,4,4,,,,,,,,most\n");
  CHECK(error_of([&] {
          load_report(std::vector{dir.path()});
        }).ends_with("column better: expected more, less or neither, found most"));
}
