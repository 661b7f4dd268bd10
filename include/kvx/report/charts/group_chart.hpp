#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/charts/chart_points.hpp>
#include <kvx/report/charts/panel_chart.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/group_choice.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Groups against the compression ratio, with a panel for each method of a family. Groups with few parts have thin
/// lines and the number of parts in their names. None if there is nothing to draw.
inline std::optional<Picture> group_chart(const ReportData& data, const GroupChoice& choice, const PressFamily& family,
                                          Picture picture, const std::string& y_label) {
  std::vector<ChartSeries> series;
  std::vector<ChartPoint> bases;
  for (std::size_t g = 0; g < choice.groups.size(); ++g) {
    const std::size_t n = parts_of(data, choice, choice.groups[g]).n;
    const bool few = n < kLeastParts;
    series.push_back(
        {group_name(choice.groups[g]) + (few ? " (n = " + std::to_string(n) + ")" : ""), detail::color(g),
         (few ? "lw 0.9 ps 0.5 pt " : "lw 1.8 ps 0.8 pt ") + detail::shape(g) + " dt " + detail::dashes(g)});
    const ResultRow* base = find_group(data, choice, CellName::base(), choice.groups[g]);
    bases.push_back(base == nullptr ? ChartPoint{} : detail::ratio_point(*base));
  }
  const auto panels = detail::method_panels(family, bases, [&](const CellName& method, std::size_t g) {
    std::vector<ChartPoint> points;
    for (const GroupResult& result : data.groups)
      if (result.group == choice.groups[g] && choice.takes(result) && result.row.cell.method() == method &&
          std::isfinite(result.row.figure.value))
        points.push_back(detail::ratio_point(result.row));
    return points;
  });
  if (panels.empty()) return std::nullopt;
  return panel_chart(std::move(picture), series, panels, detail::ratio_axes(panels, y_label));
}

}  // namespace kvx::inline v0
