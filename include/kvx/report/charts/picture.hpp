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

/// A picture that gnuplot draws.
struct Picture {
  std::string path;     ///< of the PNG, in the report's directory
  std::string title;    ///< what the picture shows
  std::string caption;  ///< how to read the picture
  int width = 0, height = 0;
  std::string script = {};  ///< gnuplot's commands; a terminal of this size is set before
  std::string svg = {};     ///< the drawn picture
};

/// A name as part of a path: all characters but letters, digits, `-`, `_` and `.` become `_`, and so does a dot at the
/// beginning.
inline std::string file_name(std::string_view name) {
  std::string safe(name);
  for (char& c : safe) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && (std::string_view("-_.").find(c) == std::string_view::npos || (c == '.' && &c == safe.data())))
      c = '_';
  }
  return safe.empty() ? "_" : safe;
}

/// The path plots/SUBJECT/MODEL_SUBJECT_KIND.png.
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

/// Colors that color-blind readers can distinguish (Okabe and Ito, 2008), without the yellow, which is hard to see on
/// white, and a filled shape for each. Further series have the same colors with open shapes and dashes.
inline constexpr std::array<std::string_view, 6> kColors = {"#0072B2", "#D55E00", "#009E73",
                                                            "#CC79A7", "#E69F00", "#56B4E9"};
inline constexpr std::array<int, 12> kShapes = {7, 5, 9, 13, 11, 15, 6, 4, 8, 12, 10, 14};
/// Readable on white and on black.
inline constexpr std::string_view kGray = "#858585";

inline std::string color(std::size_t series) { return std::string(kColors[series % kColors.size()]); }
inline std::string shape(std::size_t series) { return std::to_string(kShapes[series % kShapes.size()]); }
inline std::string dashes(std::size_t series) { return std::to_string(series / kColors.size() % 4 + 1); }

/// The smallest width of a picture, in pixels, in which its title fits.
inline int title_width(std::string_view title) { return 24 + 8 * static_cast<int>(title.size()); }

/// A gnuplot string in which no character is special.
inline std::string gnuplot_text(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result.append(c == '\'' ? 2 : 1, c >= 0 && c < ' ' ? ' ' : c);
  return result + "'";
}

/// A gnuplot script that is built from commands, blocks of data and plots.
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

  /// Adds a title in the middle of the picture's upper edge, wherever its plot is.
  void title(const Picture& picture) {
    *this << "set label " + gnuplot_text(picture.title) + " at screen 0.5, screen " +
                 six_digits(1 - 16.0 / picture.height) + " center font title_font";
  }

  /// Adds a block of data, and returns its name.
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

  /// Adds a line through points, with their intervals, to the next plot; `style` is that of the line and its points.
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

  /// Adds an element to the next plot.
  void add(std::string drawn) { drawn_.push_back(std::move(drawn)); }

  /// Adds a plot of the elements that were added since the last one.
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
