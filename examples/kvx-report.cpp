// Writes tables, pictures and a page about the results of kvx-eval.
#include <CLI/CLI.hpp>
#include <kvx/report/charts/gnuplot.hpp>
#include <kvx/report/load/load_report.hpp>
#include <kvx/report/load/time_metric.hpp>
#include <kvx/report/pages/build_report.hpp>
#include <kvx/report/pages/write_report.hpp>
#include <kvx/score/tasks.hpp>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  std::vector<std::string> inputs, times;
  std::string out, program = "gnuplot";
  kvx::ReportOptions options{kvx::time_metric(kvx::kvx_tasks(), "")->name};
  for (const kvx::TimeMetric& metric : kvx::time_metrics(kvx::kvx_tasks())) times.push_back(metric.name);

  CLI::App app("Writes RESULTS.md, report.html and plots/ about what kvx-eval measured.", "kvx-report");
  app.add_option("inputs", inputs, "output directories of kvx-eval, results.csv files, *_kv_metrics.csv files")
      ->required();
  app.add_option("-o,--out", out, "directory for the report (default: `report` in the first input's directory)");
  app.add_option("--time-metric", options.time_metric, "what is drawn against the ratio beside perplexity")
      ->capture_default_str()
      ->check(CLI::IsMember(times));
  app.add_option("--samples", options.samples, "flipped samples that are shown, at most")->capture_default_str();
  app.add_option("--samples-per-cell", options.samples_per_cell, "of each cell, at most")->capture_default_str();
  app.add_option("--gnuplot", program, "the program that draws")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "kvx-report: %s\n", error.what());
    return 2;
  }
  try {
    if (out.empty()) {
      const std::filesystem::path first = inputs.front();
      out = (std::filesystem::is_directory(first) ? first : first.parent_path()) / "report";
    }
    const kvx::ReportData data = kvx::load_report(inputs);
    const auto gnuplot = kvx::Gnuplot::find(program);
    if (!gnuplot)
      std::fprintf(stderr, "kvx-report: no program %s, so tables without pictures; install the package gnuplot-nox\n",
                   program.c_str());
    kvx::write_report(kvx::build_report(data, options), out, gnuplot);
    std::fprintf(stderr, "kvx-report: %s/RESULTS.md and %s/report.html\n", out.c_str(), out.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvx-report: %s\n", error.what());
    return 1;
  }
}
