#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/record_names.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The number of a cell's answers in each state.
struct CellStates {
  CellName cell;
  std::map<std::string, std::size_t> counts;
  std::size_t all = 0;
};

/// Counts the states of one model's answers to a task, by cell, in the order of the records. Empty if the task does not
/// measure whether answers work.
inline std::vector<CellStates> count_states(const ReportData& data, const std::string& model, const std::string& task) {
  std::vector<CellStates> cells;
  bool answered = false;
  for (const Record& record : data.records) {
    if (record.model != model || report_task(record) != task) continue;
    answered |= answer_works(data.registry, record).has_value();
    const CellName cell = record.cell();
    auto found = std::find_if(cells.rbegin(), cells.rend(), [&](const CellStates& c) { return c.cell == cell; });
    if (found == cells.rend()) {
      cells.push_back({cell, {}});
      found = cells.rbegin();
    }
    ++found->counts[record.grade.state];
    ++found->all;
  }
  return answered ? cells : std::vector<CellStates>();
}

namespace detail {

struct StateColor {
  std::string_view state, color;
};
/// The colors of states, in the order of the states. Further states have the last color.
inline constexpr std::array<std::string_view, 2> kGoodColors = {"#0072B2", "#56B4E9"};
inline constexpr std::array<std::string_view, 7> kBadColors = {"#F0E442", "#E69F00", "#8c510a", "#D55E00",
                                                               "#CC79A7", "#009E73", "#5b5b5b"};
inline constexpr std::string_view kNeutralColor = "#b0b0b0", kNotApplicableColor = "#d4d4d4", kUnknownColor = "#a6761d";

/// The states of these cells: those that the task declares, in its order, then `not_applicable`, then others.
inline std::vector<StateColor> states_of(const AnyTask* task, const std::vector<CellStates>& cells) {
  const auto occurs = [&](std::string_view state) {
    return std::ranges::any_of(cells, [&](const CellStates& cell) { return cell.counts.contains(std::string(state)); });
  };
  std::vector<StateColor> states;
  std::size_t good = 0, bad = 0;
  for (const State& state : task == nullptr ? std::span<const State>() : task->states()) {
    const std::string_view color = state.verdict == Verdict::good
                                       ? kGoodColors[std::min(good++, kGoodColors.size() - 1)]
                                   : state.verdict == Verdict::bad ? kBadColors[std::min(bad++, kBadColors.size() - 1)]
                                                                   : kNeutralColor;
    if (occurs(state.name)) states.push_back({state.name, color});
  }
  if (occurs(kNotApplicable)) states.push_back({kNotApplicable, kNotApplicableColor});
  for (const CellStates& cell : cells)
    for (const auto& [state, count] : cell.counts)
      if (std::ranges::find(states, state, &StateColor::state) == states.end())
        states.push_back({state, kUnknownColor});
  return states;
}

}  // namespace detail

/// The states as a bar for each cell, with counts where there is room for them. None if there are no records of
/// answers.
inline std::optional<Picture> state_chart(const ReportData& data, const std::string& model, const std::string& task) {
  const std::vector<CellStates> cells = count_states(data, model, task);
  const auto states = detail::states_of(data.task_of(task), cells);
  if (cells.empty()) return std::nullopt;
  const auto name_of = [](const CellName& cell) {
    return cell.budget.empty() && !cell.is_base() ? cell.label() + " " + six_digits(cell.ratio) : cell.label();
  };
  std::size_t longest = 0, longest_state = 0;
  for (const CellStates& cell : cells) longest = std::max(longest, name_of(cell.cell).size());
  for (const auto& state : states) longest_state = std::max(longest_state, state.state.size());

  std::vector<double> heights;  // with a small gap between methods
  for (std::size_t i = 0; i < cells.size(); ++i)
    heights.push_back(i == 0 ? 0 : heights.back() + (cells[i].cell.method() == cells[i - 1].cell.method() ? 1 : 1.5));
  const int left = 24 + 8 * static_cast<int>(longest), plot = 440;
  // The key is to the right of the bars and no higher than they are.
  const int plot_height = std::max(static_cast<int>((heights.back() + 1) * 20), 26 * static_cast<int>(states.size()));
  Picture picture{picture_path(task, data.short_name(model), "states"),
                  data.short_name(model) + ": how answers of " + task + " ended",
                  "A bar for each cell, one piece for each state, in the order of the key; the numbers count answers.",
                  0, plot_height + 86};
  picture.width = std::max(left + plot + 70 + 8 * static_cast<int>(longest_state), detail::title_width(picture.title));
  const auto share = [](int pixels, int total) { return six_digits(pixels / static_cast<double>(total)); };
  detail::PlotScript script;
  std::string tics;
  std::vector<double> starts(cells.size(), 0);
  for (const auto& [state, color] : states) {
    std::vector<std::vector<double>> boxes;
    const bool dark = color == "#0072B2" || color == "#5b5b5b" || color == "#D55E00" || color == "#009E73" ||
                      color == "#8c510a" || color == "#a6761d";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto found = cells[i].counts.find(std::string(state));
      if (found == cells[i].counts.end()) continue;
      const double width = static_cast<double>(found->second) / static_cast<double>(cells[i].all);
      const double y = heights[i], end = starts[i] + width, gap = std::min(0.0015, width / 4);
      boxes.push_back({starts[i], y, starts[i] + gap, end - gap, y - 0.42, y + 0.42});
      const std::string count = std::to_string(found->second);
      if (width * plot > 6 + 8 * static_cast<double>(count.size()))
        script << "set label " + detail::gnuplot_text(count) + " at " + six_digits(starts[i] + width / 2) + "," +
                      six_digits(y) + " center front font small_font tc rgb '" + (dark ? "#ffffff" : "#101418") + "'";
      starts[i] = end;
    }
    const std::string block = script.data(boxes);
    script.add(block + " using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '" + std::string(color) +
               "' title " + detail::gnuplot_text(state));
  }
  for (std::size_t i = 0; i < cells.size(); ++i)
    tics.append(i == 0 ? "" : ", ").append(detail::gnuplot_text(name_of(cells[i].cell))) +=
        " " + six_digits(heights[i]);
  script << "set border 1"
         << "unset grid"
         << "set grid x lc rgb '#9a9a9a' lw 0.4 dt 3"
         << "set tmargin at screen " + share(picture.height - 34, picture.height) << "set xlabel 'share of the answers'"
         << "set lmargin at screen " + share(left, picture.width)
         << "set rmargin at screen " + share(left + plot, picture.width) << "set xrange [0:1]"
         << "set xtics 0.25"
         << "set ytics scale 0 (" + tics + ")"
         << "set yrange [" + six_digits(heights.back() + 0.6) + ":-0.6]"
         << "set key at screen " + share(left + plot + 14, picture.width) + "," +
                share(picture.height - 34, picture.height) +
                " left top vertical maxrows 99 Left reverse samplen 1.4 spacing 1.25";
  script.title(picture);
  script.plot();
  picture.script = script.text();
  return picture;
}

}  // namespace kvx::inline v0
