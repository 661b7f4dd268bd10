#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/chart_points.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/time_metric.hpp>
#include <kvx/score/statistics/better.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Tics at 1, 2 and 5 times powers of ten, for a logarithmic axis.
inline std::string log_tics(double low, double high) {
  std::string tics;
  for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10)
    for (const double step : {1, 2, 5}) tics.append(tics.empty() ? "" : ",").append(six_digits(decade * step));
  return "set ytics (" + tics + ")";
}

struct RatioLine {
  std::size_t method;
  std::string name;
  std::vector<ChartPoint> points;
};

/// A line for each method, sorted by ratio. It begins at the base, unless the method has a figure at ratio 0.
inline std::vector<RatioLine> ratio_lines(const ReportData& data, const std::string& model, const std::string& task,
                                          const std::string& metric, double scale) {
  std::vector<RatioLine> lines;
  const ResultRow* base = data.find(model, task, CellName::base(), metric);
  const std::vector<CellName> methods = data.methods();
  for (std::size_t m = 0; m < methods.size(); ++m) {
    RatioLine line{m, methods[m].label(), {}};
    for (const ResultRow& f : data.figures)
      if (f.model == model && f.task == task && f.figure.name == metric && f.cell.method() == methods[m] &&
          !std::isnan(f.figure.value))
        line.points.push_back(ratio_point(f, scale));
    if (line.points.empty()) continue;
    line.points = from_base(std::move(line.points), base == nullptr ? ChartPoint{} : ratio_point(*base, scale));
    lines.push_back(std::move(line));
  }
  return lines;
}

/// A chart of lines against the compression ratio, with a key to the right.
inline Picture ratio_chart(Picture picture, const std::vector<RatioLine>& lines, std::string label, bool from_zero) {
  double low = INFINITY, high = -INFINITY, last = 0;
  std::size_t longest = 0;
  for (const RatioLine& line : lines) {
    longest = std::max(longest, line.name.size());
    last = std::max(last, line.points.back().x);
    for (const ChartPoint& point : line.points)
      for (const double y : {point.y.value, point.y.low, point.y.high})
        if (std::isfinite(y)) low = std::min(low, y), high = std::max(high, y);
  }
  const bool logarithmic = !from_zero && low > 0 && high / low > 5;
  const int plot = 480, key = 66 + 8 * static_cast<int>(longest);
  picture.width = 80 + plot + key;
  picture.height = std::max(360, 110 + 20 * static_cast<int>(lines.size()));
  PlotScript script;
  const auto share = [&](int pixels) { return six_digits(pixels / static_cast<double>(picture.width)); };
  script << "set title " + gnuplot_text(picture.title) + " font title_font"
         << "set lmargin at screen " + share(80) << "set rmargin at screen " + share(80 + plot)
         << "set xlabel 'compression ratio (share of the cache that is removed)'"
         << "set ylabel " + gnuplot_text(logarithmic ? label + " (logarithmic)" : label) + " offset -1,0"
         << "set key outside right center vertical Left reverse samplen 3 spacing 1.3"
         << "set xrange [-0.02:" + six_digits(std::min(1.0, last + 0.08)) + "]"
         << "set xtics 0.1" << (high >= 1e4 ? "set format y '%.0s%c'" : "set format y '%g'");
  if (logarithmic)
    script << "set logscale y" << log_tics(low, high)
           << "set yrange [" + six_digits(low / 1.1) + ":" + six_digits(high * 1.1) + "]";
  const double margin = std::max((high - (from_zero ? 0 : low)) * 0.06, std::abs(high) * 1e-3);
  if (!logarithmic)
    script << "set yrange [" + six_digits(from_zero ? 0 : std::max(0.0, low - margin)) + ":" +
                  six_digits(high + margin) + "]";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    RatioLine line = lines[i];
    shift_sideways(line.points, i, lines.size());
    script.add_line(line.points, color(line.method),
                    "lw 1.8 ps 0.8 pt " + shape(line.method) + " dt " + dashes(line.method), line.name);
  }
  script.plot();
  picture.script = script.text();
  return picture;
}

}  // namespace detail

/// The perplexity of a text against the ratio. None if there is nothing to draw.
inline std::optional<Picture> perplexity_chart(const ReportData& data, const std::string& model,
                                               const TaskMetric& perplexity) {
  const auto lines = detail::ratio_lines(data, model, perplexity.task, perplexity.metric, 1);
  if (lines.empty()) return std::nullopt;
  const std::string text = data_set(perplexity.task), name = data.short_name(model);
  return detail::ratio_chart(
      {picture_path(text, name, "ppl_vs_compression"), name + ": perplexity of " + text,
       "Lower is better. At ratio 0: the uncompressed base or, for a method such as a quantized cache, the method "
       "itself. Bars: 95 % intervals, with texts as units, if they are known."},
      lines, "perplexity", false);
}

/// A time against the ratio. `task` is the label of a task that times generations. None if there is nothing to draw.
inline std::optional<Picture> time_chart(const ReportData& data, const std::string& model, const std::string& task,
                                         const TimeMetric& metric) {
  const std::string column(metric.summary.name);
  double most = 0;
  for (const ResultRow& f : data.figures)
    if (f.model == model && f.task == task && f.figure.name == column && !std::isnan(f.figure.value))
      most = std::max(most, f.figure.value);
  const bool rate = metric.summary.better == Better::more, milliseconds = most < 1;
  const auto lines = detail::ratio_lines(data, model, task, column, rate || !milliseconds ? 1 : 1000);
  if (lines.empty()) return std::nullopt;
  const std::string text = data_set(task), name = data.short_name(model),
                    words(metric.summary.words.empty() ? metric.summary.name : metric.summary.words);
  return detail::ratio_chart(
      {picture_path(text, name, metric.name + "_vs_compression"), name + ": " + words + " on " + text,
       rate ? "Higher is better. Medians of the timed generations; bars: quartiles, if they are known."
            : "Lower is better. Medians of the timed generations; bars: quartiles, if they are known."},
      lines, words + ", " + std::string(!rate && milliseconds ? "ms" : metric.summary.unit), true);
}

}  // namespace kvx::inline v0
