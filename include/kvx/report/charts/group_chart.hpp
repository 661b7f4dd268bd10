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

/// Groups against the compression ratio, a panel for each method of a family; those of few parts are thinner, and named
/// with their number. None where there is nothing to draw.
inline std::optional<Picture> group_chart(const ReportData& data, const GroupChoice& of, const PressFamily& family,
                                          Picture picture, const std::string& share) {
  std::vector<ChartSeries> series;
  std::vector<ChartPoint> bases;
  for (std::size_t g = 0; g < of.groups.size(); ++g) {
    const std::size_t n = parts_of(data, of, of.groups[g]).n;
    const bool few = n < kLeastParts;
    series.push_back(
        {group_name(of.groups[g]) + (few ? " (n = " + std::to_string(n) + ")" : ""), detail::color(g),
         (few ? "lw 0.9 ps 0.5 pt " : "lw 1.8 ps 0.8 pt ") + detail::shape(g) + " dt " + detail::dashes(g)});
    const ResultRow* base = find_group(data, of, CellName::base(), of.groups[g]);
    bases.push_back(base == nullptr ? ChartPoint{} : detail::ratio_point(*base));
  }
  const auto panels = detail::method_panels(family, bases, [&](const CellName& method, std::size_t g) {
    std::vector<ChartPoint> points;
    for (const GroupResult& other : data.groups)
      if (other.group == of.groups[g] && of.takes(other) && other.row.cell.method() == method &&
          std::isfinite(other.row.figure.value))
        points.push_back(detail::ratio_point(other.row));
    return points;
  });
  if (panels.empty()) return std::nullopt;
  return panel_chart(std::move(picture), series, panels, detail::ratio_axes(panels, share));
}

}  // namespace kvx::inline v0
