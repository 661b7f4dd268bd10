#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/report/charts/heat_colors.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/charts/span_colors.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The share of each bin of tokens that each head keeps, layer by layer: [layers * heads, bins].
inline std::vector<std::vector<double>> kept_bins(Index tokens, const std::vector<Kept>& layers) {
  constexpr Index kMostBins = 160;
  const Index bins = std::min(tokens, kMostBins);
  std::vector<double> sizes(static_cast<std::size_t>(bins));
  const auto bin_of = [&](Index token) { return static_cast<std::size_t>(token * bins / tokens); };
  for (Index t = 0; t < tokens; ++t) ++sizes[bin_of(t)];
  std::vector<std::vector<double>> shares;
  for (const Kept& layer : layers)
    for (const auto& head : layer) {
      auto& row = shares.emplace_back(sizes.size());
      for (const Index token : head) row[bin_of(token)] += 1 / sizes[bin_of(token)];
    }
  return shares;
}

/// Marks where spans begin and end on an axis of tokens that is `width` pixels long, and writes their names above the
/// plot, `bottom` pixels above the picture's lower edge. A name goes to a second line if the first has no room for it.
inline void mark_spans(PlotScript& script, const Picture& picture, std::span<const NamedSpan> spans, Index tokens,
                       int width, int bottom) {
  const auto height = [&](int pixels) { return "screen " + six_digits(pixels / static_cast<double>(picture.height)); };
  const double pixel = static_cast<double>(tokens) / width;  // its width in tokens
  std::array<double, 2> ends = {-1e9, -1e9};                 // where the last name of each line ends
  for (const NamedSpan& span : spans) {
    const std::string color = span_color(span.name);
    const auto first = static_cast<double>(span.tokens.first), last = static_cast<double>(span.tokens.last);
    for (const double edge : {first, last})
      script << "set arrow from first " + six_digits(edge) + ", graph 0 to first " + six_digits(edge) +
                    ", graph 1 nohead front lw 1.5 lc rgb '" + color + "'";
    script << "set arrow from first " + six_digits(first) + ", " + height(bottom + 4) + " to first " +
                  six_digits(last) + ", " + height(bottom + 4) + " nohead lw 4 lc rgb '" + color + "'";
    const double half = 3.5 * static_cast<double>(span.name.size()) * pixel;
    const double middle = std::clamp((first + last) / 2, half, std::max(half, static_cast<double>(tokens) - half));
    const std::size_t line = middle - half < ends[0] && ends[1] < ends[0] ? 1 : 0;
    ends[line] = middle + half + 6 * pixel;
    script << "set label " + gnuplot_text(span.name) + " at first " + six_digits(middle) + ", " +
                  height(bottom + 16 + 14 * static_cast<int>(line)) + " center font small_font";
  }
}

}  // namespace detail

/// A map of the tokens of one context that each head keeps: a row for each layer and head, and a column for each token,
/// or for several neighboring tokens if there are many. `title` and `path` are those of the picture.
inline Picture kept_heat_map(const std::string& title, const std::string& path, Index tokens,
                             const std::vector<Kept>& layers, std::span<const NamedSpan> spans) {
  const std::vector<std::vector<double>> shares = detail::kept_bins(tokens, layers);
  const int rows = static_cast<int>(shares.size()), bins = rows == 0 ? 1 : static_cast<int>(shares.front().size());
  constexpr int kLeft = 64, kPlotWidth = 760, kTop = 76, kBottom = 56;
  const int row_height = std::clamp(420 / std::max(rows, 1), 2, 14), plot_height = std::max(rows * row_height, 28);
  Picture picture{
      path, title,
      "A row for each KV head, layer by layer. The darker a field, the larger the share of its tokens that is "
      "kept. Colored lines: where spans begin and end.",
      0, kTop + plot_height + kBottom};
  picture.width = std::max(kLeft + kPlotWidth + 28, detail::title_width(title));
  const auto share = [](int pixels, int total) { return six_digits(pixels / static_cast<double>(total)); };
  const double bin = static_cast<double>(tokens) / bins;
  std::vector<std::vector<double>> pixels;
  for (std::size_t row = 0; row < shares.size(); ++row)
    for (std::size_t b = 0; b < shares[row].size(); ++b) {
      const auto [red, green, blue] = detail::heat_channels(shares[row][b]);
      pixels.push_back({(static_cast<double>(b) + 0.5) * bin, static_cast<double>(row) + 0.5, static_cast<double>(red),
                        static_cast<double>(green), static_cast<double>(blue)});
    }
  std::string tics;  // far enough apart that their numbers do not overlap
  int heads = 0, next = 0;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const int size = static_cast<int>(layers[layer].size()), middle = (2 * heads + size) * row_height / 2;
    if (middle >= next) {
      tics += (tics.empty() ? "'" : ", '") + std::to_string(layer) + "' " + six_digits(heads + size / 2.0);
      next = middle + 14;
    }
    heads += size;
  }
  detail::PlotScript script;
  script << "unset border"
         << "unset grid"
         << "set lmargin at screen " + share(kLeft, picture.width)
         << "set rmargin at screen " + share(kLeft + kPlotWidth, picture.width)
         << "set bmargin at screen " + share(kBottom, picture.height)
         << "set tmargin at screen " + share(kBottom + plot_height, picture.height)
         << "set xrange [0:" + std::to_string(tokens) + "]"
         << "set yrange [" + std::to_string(std::max(rows, 1)) + ":0]"
         << "set ytics scale 0 (" + tics + ")"
         << "set ylabel 'layer'"
         << "set xlabel 'token of the context'";
  script.title(picture);
  detail::mark_spans(script, picture, spans, tokens, kPlotWidth, kBottom + plot_height);
  detail::add_heat_key(script, picture, "share kept:", kLeft + kPlotWidth, 8);
  script.add(script.data(pixels) + " using 1:2:3:4:5 with rgbimage");
  script.plot();
  picture.script = script.text();
  return picture;
}

}  // namespace kvx::inline v0
