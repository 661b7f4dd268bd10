#pragma once

#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/charts/picture.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace kvx::inline v0::detail {

/// The point of a figure, at the ratio of its cell.
inline ChartPoint ratio_point(const ResultRow& row, double scale = 1) {
  return {row.cell.ratio, row.figure.scaled(scale)};
}

/// Sorts points by ratio, and puts the base's point first unless there is a point at ratio 0.
inline std::vector<ChartPoint> from_base(std::vector<ChartPoint> points, const ChartPoint& base) {
  std::ranges::sort(points, {}, &ChartPoint::x);
  if (!points.empty() && points.front().x > 0 && std::isfinite(base.y.value)) points.insert(points.begin(), base);
  return points;
}

/// Moves the points of line `i` of `lines` slightly sideways, so that intervals do not hide each other.
inline void shift_sideways(std::vector<ChartPoint>& points, std::size_t i, std::size_t lines) {
  const double others = static_cast<double>(lines) - 1, step = std::min(0.006, 0.024 / std::max(others, 1.0));
  for (ChartPoint& point : points)
    if (point.x > 0 && std::isfinite(point.y.low)) point.x += step * (static_cast<double>(i) - others / 2);
}

}  // namespace kvx::inline v0::detail
