#pragma once

#include <kvx/eval/tables/results.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/statistics/better.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The text of an estimate: `0.83 [0.71, 0.91]`, or `0.83` if it has no interval.
inline std::string interval_text(const Estimate& figure) {
  if (std::isnan(figure.low)) return decimals(figure.value, 2);
  return decimals(figure.value, 2) + " [" + decimals(figure.low, 2) + ", " + decimals(figure.high, 2) + "]";
}

/// The text `0.83 [0.71, 0.91] -0.12 (p=0.031)`: a value, its interval, its change from the base, and the corrected p
/// of the change, if it has one. `=` means no change.
inline std::string metric_text(const Estimate& estimate, const Estimate* change) {
  if (estimate.n == 0) return "-";
  const std::string text = interval_text(estimate);
  if (change == nullptr || change->n == 0) return text;
  if (change->value == 0) return text + " =";
  const std::string with_change = text + " " + decimals(change->value, 2, true);
  if (std::isnan(change->holm_p)) return with_change;
  return with_change + " (p" + (change->holm_p < 0.0005 ? "<0.001" : "=" + decimals(change->holm_p, 3)) + ")";
}

}  // namespace detail

/// Returns the tokens per second of a cell, if they were measured.
using Speed = std::function<std::optional<double>(const CellResult&)>;

/// A Markdown table for each model and group of samples, with one row for each cell, and a note that explains the
/// figures.
inline std::string report_markdown(std::span<const CellResult> cells, const Speed& speed = {}) {
  struct Table {
    std::string model, task, group, title;
    std::vector<std::vector<std::string>> rows;  // the first row has the column names
    std::size_t contexts = 0;                    // the fewest of any cell with answers
  };
  std::vector<Table> tables;
  std::vector<std::string> costs;  // metrics for which less is better
  const bool unfinished =
      std::any_of(cells.begin(), cells.end(), [](const CellResult& cell) { return cell.score.unfinished > 0; });
  for (const CellResult& cell : cells) {
    auto table = std::find_if(tables.begin(), tables.end(), [&](const Table& t) {
      return t.model == cell.model && t.task == cell.task && t.group == cell.group;
    });
    if (table == tables.end())
      table = tables.insert(table, {cell.model,
                                    cell.task,
                                    cell.group,
                                    markdown_text(cell.model + ": " + cell.label()),
                                    {{"press", "ratio", "n", "contexts"}}});
    std::vector<std::string> row = {markdown_text(cell.cell.label()), cell.cell.ratio_text(),
                                    std::to_string(cell.score.n), std::to_string(cell.score.contexts)};
    table->contexts = fewest_contexts(table->contexts, cell.score.contexts);
    const auto add = [&](const std::string& name, std::string value) {  // some cells may lack a summary
      std::vector<std::string>& head = table->rows.front();
      const auto column = static_cast<std::size_t>(std::find(head.begin(), head.end(), name) - head.begin());
      if (column == head.size()) head.push_back(name);
      row.resize(std::max(row.size(), column + 1), "-");
      row[column] = std::move(value);
    };
    const auto collect_cost = [&](const Estimate& estimate) {
      if (estimate.better == Better::less && std::find(costs.begin(), costs.end(), estimate.name) == costs.end())
        costs.push_back(estimate.name);
    };
    for (std::size_t m = 0; m + cell.hidden_metrics < cell.score.metrics.size(); ++m) {
      collect_cost(cell.score.metrics[m]);
      add(cell.score.metrics[m].name,
          detail::metric_text(cell.score.metrics[m], cell.changes.empty() ? nullptr : &cell.changes[m]));
    }
    for (const Estimate& estimate : cell.score.summaries) {
      collect_cost(estimate);
      add(estimate.name, detail::metric_text(estimate, nullptr));
    }
    if (unfinished) add("unfinished", std::to_string(cell.score.unfinished));
    add("not applicable", std::to_string(cell.not_applicable));
    add("MB kept", decimals(cell.kept_bytes / 1e6, 2));
    if (speed) add("tokens/s", decimals(speed(cell).value_or(NAN), 1));
    table->rows.push_back(std::move(row));
  }
  for (Table& table : tables)
    for (auto& row : table.rows) row.resize(table.rows.front().size(), "-");
  std::string text;
  for (const Table& table : tables) {
    text.append(text.empty() ? "" : "\n").append(table.title).append("\n\n") += markdown_table(table.rows);
    if (const auto note = context_note(table.contexts); !note.empty()) text += "\nNote: " + note + "\n";
  }
  text +=
      "\nvalue [95 % interval], change from none on the same samples (p value, Holm-corrected over the table); "
      "intervals and p values treat each context as one unit\n";
  for (std::size_t i = 0; i < costs.size(); ++i) text.append(i == 0 ? "less is better: " : ", ").append(costs[i]);
  return costs.empty() ? text : text + "\n";
}

}  // namespace kvx::inline v0
