#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/heat_colors.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/report_data.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The columns of a heat map: ratios in ascending order, then budgets.
inline std::vector<std::string> heat_map_columns(const std::vector<CellName>& cells) {
  std::vector<std::pair<double, std::string>> sorted;
  for (const CellName& cell : cells) {
    sorted.emplace_back(cell.budget.empty() ? cell.ratio : 2, cell.setting());
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [place, name] : sorted)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

}  // namespace detail

/// A map of one metric of a task, with a row for each method and a column for each ratio or budget. None if there are
/// fewer than two rows.
inline std::optional<Picture> heat_map(const ReportData& data, const std::string& model, const std::string& task,
                                       const std::string& metric) {
  std::vector<CellName> cells;
  std::vector<CellName> rows;
  for (const CellName& cell : data.cells(model, task)) {
    const ResultRow* found = data.find(model, task, cell, metric);
    if (found == nullptr || std::isnan(found->figure.value)) continue;
    cells.push_back(cell);
    if (std::find(rows.begin(), rows.end(), cell.method()) == rows.end()) rows.push_back(cell.method());
  }
  if (rows.size() < 2) return std::nullopt;
  const std::vector<std::string> columns = detail::heat_map_columns(cells);
  std::size_t longest = 0, widest = 5;
  std::vector<std::string> names;
  for (const CellName& row : rows) longest = std::max(longest, names.emplace_back(row.label()).size());
  for (const std::string& column : columns) widest = std::max(widest, column.size());

  const int left = 24 + 8 * static_cast<int>(longest), column_width = 16 + 9 * static_cast<int>(widest),
            row_height = 30;
  const int grid_width = column_width * static_cast<int>(columns.size()),
            grid_height = row_height * static_cast<int>(rows.size());
  Picture picture{
      picture_path(task, data.short_name(model), "heatmap"), data.short_name(model) + ": " + metric + " of " + task,
      "A star: significantly worse than the uncompressed base (p at most 0.05, Holm-corrected over the table).", 0,
      84 + grid_height + 12};
  picture.width = std::max(left + grid_width + 24, detail::title_width(picture.title));
  std::vector<std::vector<double>> boxes;
  detail::PlotScript script;
  for (const CellName& cell : cells) {
    const ResultRow& found = *data.find(model, task, cell, metric);
    const double value = found.figure.value;
    const auto x = static_cast<double>(std::find(columns.begin(), columns.end(), cell.setting()) - columns.begin());
    const auto y = static_cast<double>(std::find(rows.begin(), rows.end(), cell.method()) - rows.begin());
    boxes.push_back({x, y, x - 0.485, x + 0.485, y - 0.47, y + 0.47, static_cast<double>(detail::heat(value))});
    std::array<char, 16> text;
    std::snprintf(text.data(), text.size(), "%.2f%s", value, found.drops() ? "*" : "");
    script << "set label " + detail::gnuplot_text(text.data()) + " at second " + six_digits(x) + ", first " +
                  six_digits(y) + " center front tc rgb '" + (value > 0.5 ? "#ffffff" : "#101418") + "'";
  }
  const auto tics = [](const std::vector<std::string>& marks) {
    std::string list;
    for (std::size_t i = 0; i < marks.size(); ++i)
      list.append(i == 0 ? "" : ", ").append(detail::gnuplot_text(marks[i])).append(" ").append(std::to_string(i));
    return list;
  };
  const auto share = [](int pixels, int total) { return six_digits(pixels / static_cast<double>(total)); };
  script << "unset border"
         << "unset grid"
         << "set tics scale 0"
         << "set lmargin at screen " + share(left, picture.width)
         << "set rmargin at screen " + share(left + grid_width, picture.width)
         << "set bmargin at screen " + share(12, picture.height)
         << "set tmargin at screen " + share(12 + grid_height, picture.height) << "unset xtics"
         << "set x2tics (" + tics(columns) + ")"
         << "set x2label 'compression ratio or budget' offset 0,-0.4"
         << "set ytics (" + tics(names) + ")"
         << "set x2range [-0.5:" + std::to_string(columns.size() - 1) + ".5]"
         << "set yrange [" + std::to_string(rows.size() - 1) + ".5:-0.5]";
  script.title(picture);
  script.add(script.data(boxes) + " using 1:2:3:4:5:6:7 axes x2y1 with boxxyerror lc rgb variable fs solid noborder");
  script.plot();
  picture.script = script.text();
  return picture;
}

}  // namespace kvx::inline v0
