#pragma once

#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/report/html/html.hpp>
#include <kvx/report/html/html_figure.hpp>
#include <kvx/report/html/html_page.hpp>
#include <kvx/report/html/html_table.hpp>
#include <kvx/report/pages/kept_html.hpp>
#include <kvx/report/sections/report.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

namespace detail {

inline std::string html_pre(std::string_view title, std::string_view text) {
  constexpr std::size_t kMost = 600;
  std::string html = "<h5>" + html_text(title) + "</h5><pre>" + html_text(shortened(text, kMost)) + "</pre>";
  if (text.size() > kMost)
    html += "<details><summary>the whole text</summary><pre>" + html_text(text) + "</pre></details>";
  return html;
}

inline std::string html_flip(const Record& base, const Record& cell) {
  std::string html = "<div class=\"flip\"><h4>sample " + std::to_string(cell.index) + ": " +
                     html_text(base.grade.state) + " → " + html_text(cell.grade.state) + "</h4>" +
                     html_pre("request", cell.sample.question);
  html += html_pre("right answer", cell.sample.answer) + "<div class=\"pair\"><div>" +
          html_pre("uncompressed", base.sample.answer_prefix + base.predicted_answer) + "</div><div>" +
          html_pre("compressed", cell.sample.answer_prefix + cell.predicted_answer);
  if (!cell.grade.detail.empty()) html += "<p class=\"note\">" + html_text(cell.grade.detail) + "</p>";
  return html + "</div></div></div>\n";
}

}  // namespace detail

/// The report as a page that needs no other file.
inline std::string report_html(const Report& report) {
  std::string html = "<nav>";
  for (const ReportSection& section : report.sections)
    html += "<a href=\"#" + section.id + "\">" + html_text(section.title) + "</a>";
  html += "</nav>\n";
  std::size_t pictures = 0;
  for (const ReportSection& section : report.sections) {
    html += "<section id=\"" + section.id + "\">\n<h2>" + html_text(section.title) + "</h2>\n";
    for (const std::string& line : section.lines) html += "<p>" + html_text(line) + "</p>\n";
    if (!section.points.empty()) html += "<ul>\n";
    for (const std::string& point : section.points) html += "<li>" + html_text(point) + "</li>\n";
    if (!section.points.empty()) html += "</ul>\n";
    for (const Picture& picture : section.pictures) html += html_figure(picture, ++pictures);
    if (section.folded) html += "<details><summary>Show the tables</summary>\n";
    for (const ReportTable& table : section.tables) html += html_table(table);
    if (section.folded) html += "</details>\n";
    for (const ShownFlips& flips : section.flips) {
      html += "<details><summary>" + html_text(flips.caption) + "</summary>\n";
      for (const auto& [base, cell] : flips.pairs) html += detail::html_flip(base, cell);
      html += "</details>\n";
    }
    for (const KeptText& prompt : section.prompts) html += kept_html(prompt);
    html += "</section>\n";
  }
  return html_page(report.title, html);
}

}  // namespace kvx::inline v0
