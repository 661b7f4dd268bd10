#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/heat_colors.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/charts/span_colors.hpp>
#include <kvx/report/load/distinct.hpp>
#include <kvx/report/load/hardest_cell.hpp>
#include <kvx/report/load/report_data.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The cells for which one picture has room: all, or the one with the highest ratio of each method.
inline std::vector<CellName> few_cells(const std::vector<CellName>& cells) {
  constexpr std::size_t kMost = 12;
  if (cells.size() <= kMost) return cells;
  std::vector<CellName> few;
  for (const CellName& method : distinct(cells, &CellName::method)) few.push_back(*hardest_cell(cells, method));
  return few;
}

/// Converts pixels, counted from the upper left corner, to gnuplot's screen coordinates.
struct Screen {
  int width, height;

  std::string at(double x, double y) const {
    return "screen " + six_digits(x / width) + ", screen " + six_digits(1 - y / height);
  }
};

}  // namespace detail

/// The share that each layer keeps of each span, as a map for each cell, with a row for each layer and a column for
/// each span. None if there is nothing to draw.
inline std::optional<Picture> kept_layer_map(const ReportData& data, const std::string& model,
                                             const std::string& task) {
  const auto is_of_task = [&](const KeptLayers& row) { return row.model == model && row.task == task; };
  const auto cells = detail::few_cells(distinct(data.kept_layers, &KeptLayers::cell, is_of_task));
  if (cells.empty()) return std::nullopt;
  std::vector<std::string> spans = distinct(data.kept_layers, &KeptLayers::span, is_of_task);
  sort_spans(spans);
  std::size_t layers = 0, longest = 0;
  for (const KeptLayers& row : data.kept_layers)
    if (is_of_task(row)) layers = std::max(layers, row.kept.size());
  for (const std::string& span : spans) longest = std::max(longest, span.size());

  constexpr int kLeft = 56, kGap = 34, kColumns = 4, kTop = 40, kHead = 40, kBox = 30;
  const int map_width = std::max(kBox * static_cast<int>(spans.size()), 176), map_step = map_width + kGap;
  const int row_height = std::clamp(240 / static_cast<int>(layers), 5, 22),
            map_height = row_height * static_cast<int>(layers);
  const int names = 14 + static_cast<int>(4.8 * static_cast<double>(longest)), block = kHead + map_height + names;
  const int count = static_cast<int>(cells.size()), columns = std::min(count, kColumns);
  Picture picture{
      picture_path(task, data.short_name(model), "kept_by_layer"),
      data.short_name(model) + ": rows that each layer keeps of the spans of " + task,
      "A row for each layer, a column for each span. The darker a field, the larger the share of the span's rows "
      "that is kept, over all KV heads.",
      0, kTop + (count + columns - 1) / columns * block + 34};
  picture.width = std::max(kLeft + columns * map_step, detail::title_width(picture.title));
  const detail::Screen screen{picture.width, picture.height};
  detail::PlotScript script;
  script.title(picture);
  for (int c = 0; c < count; ++c) {
    const CellName& cell = cells[static_cast<std::size_t>(c)];
    const int left = kLeft + c % columns * map_step, top = kTop + c / columns * block + kHead;
    const auto label = [&](const std::string& text, double x, double y, const char* style) {
      script << "set label " + detail::gnuplot_text(text) + " at " + screen.at(x, y) + " " + style + " font small_font";
    };
    label(detail::shortened(cell.method().label(), 34), left, top - 24, "left");
    label(cell.setting_words(), left, top - 10, "left");
    const int step = (14 + row_height - 1) / row_height;  // numbers need 14 pixels
    for (int layer = 0; layer < static_cast<int>(layers); layer += step)
      label(std::to_string(layer), left - 5, top + (layer + 0.5) * row_height, "right");
    if (c % columns == 0) label("layer", left - 34, top + map_height / 2.0, "center rotate by 90");
    const double box = map_width / static_cast<double>(spans.size());
    for (std::size_t s = 0; s < spans.size(); ++s) {
      const double x = left + static_cast<double>(s) * box;
      label(spans[s], x + box / 2, top + map_height + 8, "left rotate by -30");
      for (const KeptLayers& row : data.kept_layers)
        for (std::size_t layer = 0;
             is_of_task(row) && row.cell == cell && row.span == spans[s] && layer < row.kept.size(); ++layer) {
          const double y = top + static_cast<double>(layer) * row_height;
          script << "set object rectangle from " + screen.at(x + 0.75, y + 0.5) + " to " +
                        screen.at(x + box - 0.75, y + row_height - 0.5) + " fc rgb " +
                        std::to_string(detail::heat(row.share(layer))) + " fs solid noborder";
        }
    }
  }
  detail::add_heat_key(script, picture, "share kept:", kLeft + columns * map_step - kGap, 10);
  script << "unset border"
         << "unset grid"
         << "unset tics"
         << "set lmargin at screen 0"
         << "set rmargin at screen 1"
         << "set bmargin at screen 0"
         << "set tmargin at screen 1"
         << "plot [0:1][0:1] NaN";
  picture.script = script.text();
  return picture;
}

}  // namespace kvx::inline v0
