#pragma once

#include <kvx/io/csv_field.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// What gnuplot is to draw.
struct Picture {
  std::string path;     ///< of the PNG, in the report's directory
  std::string title;    ///< what it shows
  std::string caption;  ///< how it is read
  int width = 0, height = 0;
  std::string script = {};  ///< its commands, once a terminal with such a canvas is set
  std::string svg = {};     ///< what they draw
};

/// A name as a part of a path: what could be misread there becomes `_`.
inline std::string file_name(std::string_view name) {
  std::string safe(name);
  for (char& c : safe) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && (std::string_view("-_.").find(c) == std::string_view::npos || (c == '.' && &c == safe.data())))
      c = '_';
  }
  return safe.empty() ? "_" : safe;
}

/// plots/SUBJECT/MODEL_SUBJECT_KIND.png
inline std::string picture_path(std::string_view subject, std::string_view model, std::string_view kind) {
  const std::string folder = file_name(subject);
  return "plots/" + folder + "/" + file_name(model) + "_" + folder + "_" + file_name(kind) + ".png";
}

/// A point of a chart: a position on one axis, and an estimate on the other, whose interval is drawn if it has one.
struct ChartPoint {
  double x = NAN;
  Estimate y = {};
};

namespace detail {

/// Colors that the color-blind tell apart (Okabe and Ito, 2008), but for the yellow, which no white page shows; and a
/// shape for each, filled. After them come the same with open shapes and dashes.
inline constexpr std::array<std::string_view, 6> kColors = {"#0072B2", "#D55E00", "#009E73",
                                                            "#CC79A7", "#E69F00", "#56B4E9"};
inline constexpr std::array<int, 12> kShapes = {7, 5, 9, 13, 11, 15, 6, 4, 8, 12, 10, 14};
/// Readable on white and on black.
inline constexpr std::string_view kGray = "#858585";

inline std::string color(std::size_t series) { return std::string(kColors[series % kColors.size()]); }
inline std::string shape(std::size_t series) { return std::to_string(kShapes[series % kShapes.size()]); }
inline std::string dashes(std::size_t series) { return std::to_string(series / kColors.size() % 4 + 1); }

/// How wide a picture is at least, so that its title fits, in pixels.
inline int title_width(std::string_view title) { return 24 + 8 * static_cast<int>(title.size()); }

/// A string of gnuplot in which nothing is special.
inline std::string gnuplot_text(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result.append(c == '\'' ? 2 : 1, c >= 0 && c < ' ' ? ' ' : c);
  return result + "'";
}

/// A script that grows by commands, data and what a plot draws.
class PlotScript {
 public:
  PlotScript() {
    *this << "set border 3 lw 0.8"
          << "set tics nomirror out scale 0.5"

          << "set grid lc rgb '#9a9a9a' lw 0.4 dt 3"
          << "set key noautotitle"
          << "set format '%g'";
  }

  PlotScript& operator<<(std::string_view command) {
    text_.append(command).append("\n");
    return *this;
  }

  /// A title in the middle of the picture's upper edge, whatever the place of its plot.
  void title(const Picture& picture) {
    *this << "set label " + gnuplot_text(picture.title) + " at screen 0.5, screen " +
                 six_digits(1 - 16.0 / picture.height) + " center font title_font";
  }

  /// A block of data; returns its name.
  std::string data(const std::vector<std::vector<double>>& rows) {
    const std::string name = "$d" + std::to_string(++blocks_);
    text_.append(name).append(" << EOD\n");
    for (const auto& row : rows) {
      for (const double number : row) text_.append(std::isfinite(number) ? csv_field(number) : "NaN").append(" ");
      text_ += "\n";
    }
    text_ += "EOD\n";
    return name;
  }

  /// A line through points with their intervals; `style` is that of the line and its points.
  void add_line(const std::vector<ChartPoint>& points, const std::string& line_color, const std::string& style,
                std::string_view title = {}) {
    std::vector<std::vector<double>> rows, bars;
    for (const ChartPoint& p : points) {
      rows.push_back({p.x, p.y.value});
      if (std::isfinite(p.y.low) && std::isfinite(p.y.high)) bars.push_back({p.x, p.y.low, p.y.high - p.y.low});
    }
    const std::string stroke = " lc rgb '" + line_color + "' ";
    // Not yerrorbars: gnuplot puts a white mark behind each of their points.
    if (!bars.empty()) add(data(bars) + " using 1:2:(0):3 with vectors nohead lw 1" + stroke);
    add(data(rows) + " using 1:2 with linespoints" + stroke + style +
        (title.empty() ? "" : " title " + gnuplot_text(title)));
  }

  void add(std::string drawn) { drawn_.push_back(std::move(drawn)); }

  /// Draws what was added.
  void plot() {
    for (std::size_t i = 0; i < drawn_.size(); ++i) text_.append(i == 0 ? "plot " : ", \\\n  ").append(drawn_[i]);
    text_ += "\n";
    drawn_.clear();
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> drawn_;
  std::size_t blocks_ = 0;
};

}  // namespace detail

}  // namespace kvx::inline v0
