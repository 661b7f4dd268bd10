#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A Markdown table with aligned columns; the first row has the names of the columns.
inline std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < widths.size(); ++c)
      text.append("| ").append(rows[r][c]).append(widths[c] - rows[r][c].size() + 1, ' ');
    text += "|\n";
    for (std::size_t c = 0; r == 0 && c < widths.size(); ++c) text.append("| ").append(widths[c], '-').append(" ");
    if (r == 0) text += "|\n";
  }
  return text;
}

/// `text` made safe for a Markdown table: `|` is escaped, and control characters become spaces.
inline std::string markdown_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) (escaped += c == '|' ? "\\" : "") += c >= 0 && c < ' ' ? ' ' : c;
  return escaped;
}

}  // namespace kvx::inline v0
