#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/divergence.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The panel of one method: a line for each metric of function, then one for each text's perplexity.
struct DivergencePanel {
  std::size_t method = 0;
  std::string name;
  std::vector<std::vector<ChartPoint>> function, quality;
};

inline std::vector<DivergencePanel> divergence_panels(const ReportData& data, const std::string& model,
                                                      const std::string& task, const std::vector<std::string>& metrics,
                                                      const std::vector<std::string>& texts) {
  std::vector<DivergencePanel> panels;
  const std::vector<CellName> methods = data.methods();
  for (std::size_t m = 0; m < methods.size(); ++m) {
    DivergencePanel panel{m, methods[m].label(), {}, {}};
    const auto memory = [&](const std::string& label, const CellName& cell) {
      const ResultRow* row = data.find(model, label, cell, "memory_retained");
      if (row == nullptr) row = data.find(model, task, cell, "memory_retained");
      return row == nullptr ? NAN : row->figure.value;
    };
    const auto line = [&](const std::string& label, auto&& figure) {
      std::vector<ChartPoint> points = {{1, {.value = 1}}};  // the base
      for (const CellName& cell : data.cells(model, label)) {
        const std::optional<Estimate> y = cell.method() == methods[m] ? figure(cell) : std::nullopt;
        if (!y) continue;
        if (const double x = memory(label, cell); std::isfinite(x)) points.push_back({x, *y});
      }
      std::sort(points.begin(), points.end(), [](const ChartPoint& a, const ChartPoint& b) { return a.x < b.x; });
      return points;
    };
    std::size_t found = 0;
    for (const std::string& metric : metrics) {
      const ResultRow* base = data.find(model, task, CellName::base(), metric);
      panel.function.push_back(line(task, [&](const CellName& cell) {
        const ResultRow* row = data.find(model, task, cell, metric);
        return row == nullptr ? std::nullopt : relative_function(*row, *base);
      }));
      found += panel.function.back().size() - 1;
    }
    for (const std::string& text : texts)
      panel.quality.push_back(
          line(text, [&](const CellName& cell) { return implied_quality(data, model, text, cell); }));
    if (found > 0) panels.push_back(std::move(panel));
  }
  return panels;
}

}  // namespace detail

/// The remaining share of a task's function and the quality that perplexity implies, against the share of memory that
/// is retained: a panel for each method, with the base at (1, 1). None if there is nothing to draw.
inline std::optional<Picture> divergence_chart(const ReportData& data, const std::string& model,
                                               const std::string& task) {
  const std::vector<std::string> metrics = function_metrics(data, model, task);
  std::vector<std::string> texts;
  for (const TaskMetric& text : data.with_role(model, Role::perplexity)) texts.push_back(text.task);
  const auto panels = detail::divergence_panels(data, model, task, metrics, texts);
  if (panels.empty()) return std::nullopt;

  constexpr int kLeft = 64, kTop = 34, kPlotWidth = 216, kPlotHeight = 160, kColumnWidth = 252, kRowHeight = 230,
                kColumns = 3;
  const int count = static_cast<int>(panels.size()), columns = std::min(count, kColumns);
  const int rows = (count + columns - 1) / columns, keys = static_cast<int>(metrics.size() + texts.size());
  const int head = kTop + 18 * keys + 10;
  Picture picture{
      picture_path(task, data.short_name(model), "divergence"),
      data.short_name(model) + ": function of " + task + " and the quality that perplexity implies",
      "Solid: function, as a share of the uncompressed base's on the same samples. Dashed: the quality that "
      "perplexity implies, which is the base's perplexity divided by the cell's. Where the solid line lies "
      "below the dashed one, perplexity does not show the whole loss. Bars: 95 % intervals of the change.",
      0, head + rows * kRowHeight + 26};
  picture.width = std::max(kLeft + columns * kColumnWidth, detail::title_width(picture.title));
  double top = 1.1;
  for (const auto& panel : panels)
    for (const auto* lines : {&panel.function, &panel.quality})
      for (const auto& line : *lines)
        for (const ChartPoint& point : line)
          top = std::max({top, point.y.value * 1.05, std::min(point.y.high * 1.02, 1.8)});
  const auto share = [](int pixels, int total) { return six_digits(pixels / static_cast<double>(total)); };
  const auto function_style = [](std::size_t m, const std::string& filled) {
    return m == 0 ? "lw 2 dt 1 ps 0.7 pt " + filled : "lw 1.2 dt 1 ps 0.8 pt " + std::to_string(std::stoi(filled) - 1);
  };
  const auto quality_style = [](std::size_t t) { return "lw 1.6 ps 0.6 dt " + std::to_string(t % 4 + 2) + " pt 2"; };

  detail::PlotScript script;
  script << "set multiplot title " + detail::gnuplot_text(picture.title) + " font title_font"
         << "set xrange [0:1.04]"
         << "set yrange [0:" + six_digits(top) + "]"
         << "set xtics 0.25"
         << "set key at screen 0.5," + share(picture.height - 26, picture.height) +
                " center top vertical Left reverse samplen 4 spacing 1.2";
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const auto& panel = panels[i];
    const int column = static_cast<int>(i) % columns, row = static_cast<int>(i) / columns;
    const int left = kLeft + column * kColumnWidth, plot_top = picture.height - head - row * kRowHeight - 22;
    script << "set lmargin at screen " + share(left, picture.width)
           << "set rmargin at screen " + share(left + kPlotWidth, picture.width)
           << "set tmargin at screen " + share(plot_top, picture.height)
           << "set bmargin at screen " + share(plot_top - kPlotHeight, picture.height)
           << "set title " + detail::gnuplot_text(detail::shortened(panel.name, 42)) + " offset 0,-0.6 font " +
                  (panel.name.size() > 30 ? "small_font" : "title_font")
           << (column == 0 ? "set ylabel 'share of the base'" : "unset ylabel")
           << (static_cast<int>(i) + columns >= count ? "set xlabel 'memory retained' offset 0,0.4" : "unset xlabel");
    for (std::size_t t = 0; t < texts.size(); ++t)
      script.add_line(panel.quality[t], std::string(detail::kGray), quality_style(t));
    for (std::size_t m = 0; m < metrics.size(); ++m)
      script.add_line(panel.function[m], detail::color(panel.method),
                      function_style(m, std::to_string(detail::kShapes[panel.method % 6])));
    for (std::size_t m = 0; m < metrics.size() && i == 0; ++m)
      script.add("keyentry with linespoints lc rgb '#000000' " + function_style(m, "7") + " title " +
                 detail::gnuplot_text(metrics[m]));
    for (std::size_t t = 0; t < texts.size() && i == 0; ++t)
      script.add("keyentry with linespoints lc rgb '" + std::string(detail::kGray) + "' " + quality_style(t) +
                 " title " + detail::gnuplot_text("implied by the perplexity of " + data_set(texts[t])));
    script.plot();
    if (i == 0) script << "unset key";
  }
  script << "unset multiplot";
  picture.script = script.text();
  return picture;
}

}  // namespace kvx::inline v0
