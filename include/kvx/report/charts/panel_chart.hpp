#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/chart_points.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/press_families.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A series that has the same color in all panels of a picture, and a line in some of them.
struct ChartSeries {
  std::string name, color, style;  ///< style: gnuplot's, of a line and its points
};

struct ChartPanel {
  std::string name;
  std::vector<std::vector<ChartPoint>> lines;  ///< [series]; one may be empty
  std::vector<double> levels = {};             ///< [series], the base's values; NaN: unknown
};

struct PanelAxes {
  std::string x, y;  ///< labels
  double x_low, x_high, y_high;
  std::string level = {};  ///< what the panels' levels are, for the key
};

/// Panels side by side on the same scales, with one key to their right.
inline Picture panel_chart(Picture picture, const std::vector<ChartSeries>& series,
                           const std::vector<ChartPanel>& panels, const PanelAxes& axes) {
  constexpr int kLeft = 64, kGap = 26, kTop = 62, kBottom = 60;
  const int count = static_cast<int>(panels.size()), panel_width = count == 1 ? 440 : 330;
  std::size_t longest = axes.level.size();
  for (const ChartSeries& entry : series) longest = std::max(longest, entry.name.size());
  const int key = 62 + static_cast<int>(7.5 * static_cast<double>(longest)), keys = static_cast<int>(series.size()) + 1;
  const int panel_height = std::max(250, 19 * keys + 8), right = kLeft + count * panel_width + (count - 1) * kGap;
  picture.width = std::max(right + key, detail::title_width(picture.title));
  picture.height = kTop + panel_height + kBottom;
  const auto share = [](int pixels, int total) { return six_digits(pixels / static_cast<double>(total)); };

  detail::PlotScript script;
  script << "set multiplot title " + detail::gnuplot_text(picture.title) + " font title_font"
         << "set bmargin at screen " + share(kBottom, picture.height)
         << "set tmargin at screen " + share(kBottom + panel_height, picture.height)
         << "set xrange [" + six_digits(axes.x_low) + ":" + six_digits(axes.x_high) + "]"
         << "set yrange [0:" + six_digits(axes.y_high) + "]"
         << "set xlabel " + detail::gnuplot_text(axes.x) + " offset 0,0.3"
         << "set key at screen " + share(right + 10, picture.width) + "," +
                share(kBottom + panel_height, picture.height) +
                " left top vertical maxrows 99 Left reverse samplen 3 spacing 1.25";
  for (int i = 0; i < count; ++i) {
    const ChartPanel& panel = panels[static_cast<std::size_t>(i)];
    const int left = kLeft + i * (panel_width + kGap);
    script << "set lmargin at screen " + share(left, picture.width)
           << "set rmargin at screen " + share(left + panel_width, picture.width)
           << "set title " + detail::gnuplot_text(detail::shortened(panel.name, 46)) + " offset 0,-0.5 font " +
                  (panel.name.size() > 36 ? "small_font" : "title_font");
    if (i == 0)
      script << "set ylabel " + detail::gnuplot_text(axes.y);
    else
      script << "unset ylabel"
             << "set format y ''";
    for (std::size_t s = 0; s < panel.levels.size(); ++s)
      if (std::isfinite(panel.levels[s]) && !panel.lines[s].empty())
        script.add(script.data({{axes.x_low, panel.levels[s]}, {axes.x_high, panel.levels[s]}}) +
                   " using 1:2 with lines lw 1.1 dt 3 lc rgb '" + series[s].color + "'");
    for (std::size_t s = 0; s < series.size(); ++s) {
      std::vector<ChartPoint> points = panel.lines[s];
      detail::shift_sideways(points, s, series.size());
      if (!points.empty()) script.add_line(points, series[s].color, series[s].style);
      if (i == 0)
        script.add("keyentry with linespoints lc rgb '" + series[s].color + "' " + series[s].style + " title " +
                   detail::gnuplot_text(series[s].name));
    }
    if (i == 0 && !axes.level.empty())
      script.add("keyentry with lines lw 1.1 dt 3 lc rgb '" + std::string(detail::kGray) + "' title " +
                 detail::gnuplot_text(axes.level));
    script.plot();
    if (i == 0) script << "unset key";
  }
  script << "unset multiplot";
  picture.script = script.text();
  return picture;
}

namespace detail {

/// A panel for each method that has points. Its lines begin at the base's points, whose values are the levels.
/// points_of(method, series) returns the method's own points.
inline std::vector<ChartPanel> method_panels(const PressFamily& family, const std::vector<ChartPoint>& bases,
                                             auto&& points_of) {
  std::vector<ChartPanel> panels;
  for (const CellName& method : family) {
    ChartPanel panel{method.label(), {}};
    bool found = false;
    for (std::size_t s = 0; s < bases.size(); ++s) {
      panel.lines.push_back(from_base(points_of(method, s), bases[s]));
      panel.levels.push_back(bases[s].y.value);
      found |= !panel.lines.back().empty();
    }
    if (found) panels.push_back(std::move(panel));
  }
  return panels;
}

/// The compression ratio as the x axis, which ends slightly beyond the last point of any panel, and a share as the y
/// axis.
inline PanelAxes ratio_axes(const std::vector<ChartPanel>& panels, std::string y_label) {
  double last = 0;
  for (const ChartPanel& panel : panels)
    for (const auto& line : panel.lines)
      if (!line.empty()) last = std::max(last, line.back().x);
  return {"compression ratio", std::move(y_label), -0.02, std::min(1.0, last + 0.05), 1.03, "uncompressed"};
}

}  // namespace detail

}  // namespace kvx::inline v0
