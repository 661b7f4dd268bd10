#pragma once

#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A Markdown table for each model and data of a task with parts: one row a cell, one column a group whose name has no
/// colon, by the first of the parts' values; behind it, the change against the base where its interval is below 0.
inline std::string groups_markdown(std::span<const GroupResult> groups, const AnyTask& task) {
  struct Column {
    std::string group;
    std::size_t n, contexts;  // the largest of any cell
  };
  struct Table {
    std::string title;
    std::vector<Column> columns;
    std::vector<std::pair<CellName, std::vector<std::string>>> rows;
  };
  std::vector<Table> tables;
  for (const GroupResult& of : groups) {
    if (of.graded_as != task.name() || of.row.figure.name != task.part_metrics().front().name ||
        of.group.find(':') != of.group.npos)
      continue;
    const std::string title =
        markdown_text(of.row.model + ": " + of.row.task + ", " + of.row.figure.name + " by group");
    auto table = std::ranges::find(tables, title, &Table::title);
    if (table == tables.end()) table = tables.insert(table, {title, {}, {}});
    auto column = std::ranges::find(table->columns, of.group, &Column::group);
    if (column == table->columns.end()) column = table->columns.insert(column, {of.group, 0, 0});
    column->n = std::max(column->n, of.row.figure.n);
    column->contexts = std::max(column->contexts, of.row.figure.contexts);
    const auto at = static_cast<std::size_t>(column - table->columns.begin());
    if (table->rows.empty() || table->rows.back().first != of.row.cell) table->rows.push_back({of.row.cell, {}});
    std::vector<std::string>& row = table->rows.back().second;
    row.resize(std::max(row.size(), at + 1), "-");
    row[at] = decimals(of.row.figure.value, 2);
    if (of.row.change.high < 0) row[at] += " (" + decimals(of.row.change.value, 2, true) + ")";
  }
  std::string text;
  for (const Table& table : tables) {
    std::vector<std::vector<std::string>> lines = {{"press", "ratio"}};
    std::size_t contexts = 0;
    for (const Column& column : table.columns) {
      lines.front().push_back(markdown_text(column.group) + " (n=" + std::to_string(column.n) +
                              ", contexts=" + std::to_string(column.contexts) + ")");
      contexts = std::max(contexts, column.contexts);
    }
    for (const auto& [cell, values] : table.rows) {
      std::vector<std::string>& line =
          lines.emplace_back(std::vector{markdown_text(cell.label()), six_digits(cell.ratio)});
      line.insert(line.end(), values.begin(), values.end());
      line.resize(lines.front().size(), "-");
    }
    text.append(text.empty() ? "" : "\n").append(table.title).append("\n\n") += markdown_table(lines);
    if (const auto note = context_note(contexts); !note.empty()) text += "\nNote: " + note + "\n";
  }
  return text.empty() ? text
                      : text +
                            "\nvalue (change against none where its 95 % interval is below 0, not corrected for the "
                            "number of cells)\n";
}

}  // namespace kvx::inline v0
