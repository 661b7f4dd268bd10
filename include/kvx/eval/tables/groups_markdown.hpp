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

/// A Markdown table for each model and each data set of a task whose answers have parts. It has one row for each cell
/// and one column for each group whose name has no colon. A field is the value of the first part metric. The change
/// from the base follows it if the interval of the change lies below 0.
inline std::string groups_markdown(std::span<const GroupResult> groups, const AnyTask& task) {
  struct Column {
    std::string group;
    std::size_t n, contexts;  // the largest of any cell
  };
  struct Table {
    std::string title;
    std::vector<Column> columns;
    std::vector<std::pair<CellName, std::vector<std::string>>> rows;
    std::size_t contexts = 0;  // the fewest of any figure
  };
  std::vector<Table> tables;
  for (const GroupResult& result : groups) {
    if (result.graded_as != task.name() || result.row.figure.name != task.part_metrics().front().name ||
        result.group.find(':') != result.group.npos)
      continue;
    const std::string title =
        markdown_text(result.row.model + ": " + result.row.task + ", " + result.row.figure.name + " by group");
    auto table = std::ranges::find(tables, title, &Table::title);
    if (table == tables.end()) table = tables.insert(table, {title, {}, {}, 0});
    auto column = std::ranges::find(table->columns, result.group, &Column::group);
    if (column == table->columns.end()) column = table->columns.insert(column, {result.group, 0, 0});
    column->n = std::max(column->n, result.row.figure.n);
    column->contexts = std::max(column->contexts, result.row.figure.contexts);
    table->contexts = fewest_contexts(table->contexts, result.row.figure.contexts);
    const auto place = static_cast<std::size_t>(column - table->columns.begin());
    if (table->rows.empty() || table->rows.back().first != result.row.cell)
      table->rows.push_back({result.row.cell, {}});
    std::vector<std::string>& row = table->rows.back().second;
    row.resize(std::max(row.size(), place + 1), "-");
    row[place] = decimals(result.row.figure.value, 2);
    if (result.row.change.high < 0) row[place] += " (" + decimals(result.row.change.value, 2, true) + ")";
  }
  std::string text;
  for (const Table& table : tables) {
    std::vector<std::vector<std::string>> lines = {{"press", "ratio"}};
    for (const Column& column : table.columns)
      lines.front().push_back(markdown_text(column.group) + " (n=" + std::to_string(column.n) +
                              ", contexts=" + std::to_string(column.contexts) + ")");
    for (const auto& [cell, values] : table.rows) {
      std::vector<std::string>& line = lines.emplace_back(std::vector{markdown_text(cell.label()), cell.ratio_text()});
      line.insert(line.end(), values.begin(), values.end());
      line.resize(lines.front().size(), "-");
    }
    text.append(text.empty() ? "" : "\n").append(table.title).append("\n\n") += markdown_table(lines);
    if (const auto note = context_note(table.contexts); !note.empty()) text += "\nNote: " + note + "\n";
  }
  return text.empty() ? text
                      : text +
                            "\nvalue (change from none, shown if its 95 % interval lies below 0; not corrected for the "
                            "number of cells)\n";
}

}  // namespace kvx::inline v0
