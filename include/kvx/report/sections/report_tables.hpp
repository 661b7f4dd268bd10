#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/degradation.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/sections/flipped_samples.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/sds.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The number of decimals with which a figure of this size has two or three significant digits.
inline int decimals_for(double size) {
  size = std::abs(size);
  if (!(size > 0)) return 2;
  return size >= 1000 ? 0 : size >= 0.1 ? 2 : std::clamp(2 - static_cast<int>(std::floor(std::log10(size))), 2, 6);
}

/// The text `0.83 [0.71, 0.91]` of an estimate. written() formats the numbers. A dash if the value is unknown.
inline std::string with_interval(const Estimate& figure, const auto& written) {
  if (std::isnan(figure.value)) return "–";
  if (std::isnan(figure.low) || std::isnan(figure.high)) return written(figure.value);
  return written(figure.value) + " [" + written(figure.low) + ", " + written(figure.high) + "]";
}

inline std::string two_decimals(double number) { return decimals(number, 2); }

/// A count, or a dash if it is unknown.
inline std::string count_text(std::size_t count) { return count == 0 ? "–" : std::to_string(count); }

/// The number with its sign: `+0.12` or `−0.12`.
inline std::string signed_decimals(double number, int count = 2) {
  return (number < 0 ? "−" : "+") + decimals(std::abs(number), count);
}

inline std::string p_text(double p) { return p < 0.0005 ? "p < 0.001" : "p = " + decimals(p, 3); }

/// The text `0.83 [0.71, 0.91] −0.12 (p = 0.031)`: a value, its interval, its change and the corrected p of the change.
/// `=` means no change.
inline std::string figure_text(const ResultRow* row) {
  if (row == nullptr || std::isnan(row->figure.value)) return "–";
  const int count = decimals_for(row->figure.value);
  const auto written = [&](double number) { return decimals(number, count); };
  const std::string text = with_interval(row->figure, written);
  const double change = row->change.value, p = row->change.holm_p;
  if (std::isnan(change)) return text;
  if (change == 0) return text + " =";
  return text + (change > 0 ? " +" : " −") + written(std::abs(change)) + (std::isnan(p) ? "" : " (" + p_text(p) + ")");
}

}  // namespace detail

/// All figures of a model and task, a row for each cell.
inline ReportTable figure_table(const ReportData& data, const std::string& model, const std::string& task) {
  ReportTable table{data.short_name(model) + ": " + task, {"press", "ratio", "n", "contexts"}, {}};
  const std::vector<std::string> metrics = data.metrics(model, task);
  table.head.insert(table.head.end(), metrics.begin(), metrics.end());
  for (const CellName& cell : data.cells(model, task)) {
    std::vector<TableField> row;
    SampleCounts counts;
    for (const std::string& metric : metrics) {
      const ResultRow* found = data.find(model, task, cell, metric);
      if (found != nullptr) counts.include(found->figure.n, found->figure.contexts);
      row.push_back({detail::figure_text(found)});
    }
    const std::vector<TableField> front = {
        {cell.label()}, {cell.ratio_text("–")}, {detail::count_text(counts.n)}, {detail::count_text(counts.contexts)}};
    row.insert(row.begin(), front.begin(), front.end());
    table.rows.push_back(std::move(row));
  }
  if (const auto note = detail::counts_note(sample_counts(data, model, task)); !note.empty())
    table.note = "Note: " + note;
  return table;
}

/// The silent degradation scores of a model and task.
inline std::optional<ReportTable> degradation_table(const ReportData& data, const std::string& model,
                                                    const std::string& task) {
  ReportTable table{
      data.short_name(model) + ": " + task,
      {"press", "ratio", "metric", "n", "contexts", "texts", "verdict", "SDS", "function lost", "perplexity rise", "p"},
      {}};
  std::size_t fewest = std::numeric_limits<std::size_t>::max();  // contexts or texts of any row
  for (const CellDegradation& row : data.degradations) {
    if (row.model != model || row.task != task) continue;
    using enum TableField::Weight;
    const auto& [state, sds, drop, rise, quality] = row.figures;
    const bool silent = state == Degradation::silent, few = state == Degradation::too_few;
    fewest = std::min({fewest, drop.contexts, rise.n});
    // In a score that is silent or measured, an empty field of the file stands for infinity.
    const auto or_infinity = [&](double number) { return std::isnan(number) ? std::string("∞") : decimals(number, 2); };
    const std::string score =
        silent || state == Degradation::measured
            ? or_infinity(sds.value) + " [" + or_infinity(sds.low) + ", " + or_infinity(sds.high) + "]"
            : detail::with_interval(sds, detail::two_decimals);
    table.rows.push_back({{row.cell.label()},
                          {row.cell.ratio_text("–")},
                          {row.metric},
                          {std::to_string(drop.n)},
                          {std::to_string(drop.contexts)},
                          {std::to_string(rise.n)},
                          {std::string(written(state)), silent ? strong
                                                        : few  ? faint
                                                               : plain},
                          {score, silent ? strong : plain},
                          {detail::with_interval(drop, detail::two_decimals)},
                          {detail::with_interval(rise, detail::two_decimals)},
                          {std::isnan(drop.p) ? "–"
                           : drop.p < 0.0005  ? "< 0.001"
                                              : decimals(drop.p, 3)}});
  }
  if (const auto note = context_note(fewest); !note.empty()) table.note = "Note: " + note;
  return table.rows.empty() ? std::nullopt : std::optional(std::move(table));
}

/// The number of answers that each cell lost and gained, and the states of the lost ones.
inline ReportTable flips_table(const ReportData& data, const std::vector<CellFlips>& flips) {
  ReportTable table{"Answers that flipped",
                    {"model", "task", "press", "ratio", "compared", "contexts", "lost", "gained", "lost as"},
                    {}};
  for (const CellFlips& cell : flips) {
    std::map<std::string, std::size_t> states;
    for (const auto& pair : cell.lost) ++states[pair.cell->grade.state];
    std::string lost_states;
    for (const auto& [state, count] : states)
      lost_states.append(lost_states.empty() ? "" : ", ").append(state) += " " + std::to_string(count);
    table.rows.push_back({{data.short_name(cell.model)},
                          {cell.task},
                          {cell.cell.label()},
                          {cell.cell.ratio_text("–")},
                          {std::to_string(cell.both)},
                          {std::to_string(cell.contexts.size())},
                          {std::to_string(cell.lost.size())},
                          {std::to_string(cell.gained)},
                          {lost_states.empty() ? "–" : lost_states}});
  }
  return table;
}

}  // namespace kvx::inline v0
