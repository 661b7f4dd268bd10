#pragma once

#include <kvx/report/html/html.hpp>
#include <kvx/report/sections/report.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A table in a box that can be scrolled.
inline std::string html_table(const ReportTable& table) {
  // Columns of numbers are right-aligned, columns of long texts may wrap.
  std::vector<std::string> kinds(table.head.size());
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

}  // namespace kvx::inline v0
