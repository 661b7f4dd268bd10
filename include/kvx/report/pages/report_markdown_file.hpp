#pragma once

#include <kvx/io/markdown.hpp>
#include <kvx/report/sections/report.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The report as Markdown, with links to the files of its pictures. Answers and prompts are in report.html only.
inline std::string report_markdown_file(const Report& report) {
  std::string text = "# " + report.title + "\n";
  for (const ReportSection& section : report.sections) {
    std::string body;
    for (const std::string& line : section.lines) body += "\n" + markdown_text(line) + "\n";
    if (!section.points.empty()) body += "\n";
    for (const std::string& point : section.points) body += "- " + markdown_text(point) + "\n";
    for (const Picture& picture : section.pictures)
      body += "\n![" + picture.title + "](" + picture.path + ")\n\n" + picture.caption + "\n";
    for (const ReportTable& table : section.tables) {
      std::vector<std::vector<std::string>> rows = {table.head};
      for (const auto& fields : table.rows) {
        auto& row = rows.emplace_back();
        for (const TableField& field : fields) {
          using enum TableField::Weight;
          const std::string mark = field.weight == strong ? "**" : field.weight == faint ? "_" : "";
          row.push_back(mark + markdown_text(field.text) + mark);
        }
      }
      body += "\n" + markdown_text(table.caption) + "\n\n" + markdown_table(rows);
      if (!table.note.empty()) body += "\n" + markdown_text(table.note) + "\n";
    }
    if (!body.empty()) text += "\n## " + section.title + "\n" + body;
  }
  return text;
}

}  // namespace kvx::inline v0
