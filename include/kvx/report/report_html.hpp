#pragma once

#include <kvx/io/json.hpp>
#include <kvx/report/html.hpp>
#include <kvx/report/inline_svg.hpp>
#include <kvx/report/page_style.hpp>
#include <kvx/report/report.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline std::string html_table(const ReportTable& table) {
  std::vector<std::string> kinds(table.head.size());  // a column of numbers stands right, one of texts may break lines
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    bool numbers = true, texts = false;
    for (const auto& row : table.rows) {
      const std::string& field = row[c].text;
      numbers &= !field.empty() && (std::string_view("0123456789-+<").find(field[0]) != std::string_view::npos ||
                                    field.starts_with("–") || field.starts_with("∞"));
      texts |= field.size() > 40 && field.find('[') == field.npos;
    }
    kinds[c] = numbers ? " class=\"n\"" : texts ? " class=\"text\"" : "";
  }
  std::string html =
      "<div class=\"wide\" tabindex=\"0\"><table>\n<caption>" + html_text(table.caption) + "</caption>\n<thead><tr>";
  for (std::size_t c = 0; c < table.head.size(); ++c)
    html.append("<th scope=\"col\"").append(kinds[c]).append(">").append(html_text(table.head[c])).append("</th>");
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) {
      using enum TableField::Weight;
      const char* const element = row[c].weight == strong ? "strong" : row[c].weight == faint ? "em" : nullptr;
      const std::string text = html_text(row[c].text);
      html.append("<td").append(kinds[c]).append(">");
      html += element == nullptr ? text : std::string("<") + element + ">" + text + "</" + element + ">";
      html += "</td>";
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  return table.note.empty() ? html : html + "<p class=\"note\">" + html_text(table.note) + "</p>\n";
}

inline std::string html_pre(std::string_view title, std::string_view text) {
  constexpr std::size_t kMost = 600;
  std::string html = "<h5>" + html_text(title) + "</h5><pre>" + html_text(shortened(text, kMost)) + "</pre>";
  if (text.size() > kMost)
    html += "<details><summary>the whole text</summary><pre>" + html_text(text) + "</pre></details>";
  return html;
}

inline std::string html_flip(const Record& base, const Record& cell) {
  std::string html = "<div class=\"flip\"><h4>sample " + std::to_string(cell.index) + ": " + html_text(base.state) +
                     " → " + html_text(cell.state) + "</h4>" + html_pre("request", cell.sample.question);
  html += html_pre("right answer", cell.sample.answer) + "<div class=\"pair\"><div>" +
          html_pre("uncompressed", base.sample.answer_prefix + base.predicted_answer) + "</div><div>" +
          html_pre("compressed", cell.sample.answer_prefix + cell.predicted_answer);
  if (!cell.detail.empty()) html += "<p class=\"note\">" + html_text(cell.detail) + "</p>";
  return html + "</div></div></div>\n";
}

}  // namespace detail

/// A page that needs no other file.
inline std::string report_html(const Report& report) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      html_text(report.title) + "</title>\n<style>" + std::string(kPageStyle) + "</style>\n</head>\n<body>\n<h1>" +
      html_text(report.title) + "</h1>\n<nav>";
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
    for (const Picture& picture : section.pictures)
      html += "<figure>" + inline_svg(picture.svg, "p" + std::to_string(++pictures) + "-", picture.title) +
              "<figcaption>" + html_text(picture.caption) + "</figcaption></figure>\n";
    if (section.folded) html += "<details><summary>Show the tables</summary>\n";
    for (const ReportTable& table : section.tables) html += detail::html_table(table);
    if (section.folded) html += "</details>\n";
    for (const ShownFlips& flips : section.flips) {
      html += "<details><summary>" + html_text(flips.caption) + "</summary>\n";
      for (const auto& [base, cell] : flips.pairs) html += detail::html_flip(base, cell);
      html += "</details>\n";
    }
    html += "</section>\n";
  }
  return html + "</body>\n</html>\n";
}

}  // namespace kvx::inline v0
