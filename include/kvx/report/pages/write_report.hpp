#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/report/charts/gnuplot.hpp>
#include <kvx/report/pages/report_html.hpp>
#include <kvx/report/pages/report_markdown_file.hpp>
#include <kvx/report/sections/report.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Writes RESULTS.md, report.html and the pictures to a directory, which is created if it is missing. Without gnuplot,
/// pictures are left out, and so are sections that have nothing else. Throws Error.
inline void write_report(Report report, const std::string& dir, const std::optional<Gnuplot>& gnuplot) {
  const auto make = [](const std::filesystem::path& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code) throw Error(folder.string(), "cannot create the directory: " + code.message());
  };
  make(dir);
  for (ReportSection& section : report.sections) {
    if (!gnuplot) section.pictures.clear();
    for (Picture& picture : section.pictures) {
      Drawing drawing = gnuplot->draw(picture);
      const std::string path = dir + "/" + picture.path;
      make(std::filesystem::path(path).parent_path());
      replace_file(path, drawing.png);
      picture.svg = std::move(drawing.svg);
    }
  }
  std::erase_if(report.sections, [](const ReportSection& section) { return section.empty(); });
  replace_file(dir + "/RESULTS.md", report_markdown_file(report));
  replace_file(dir + "/report.html", report_html(report));
}

}  // namespace kvx::inline v0
