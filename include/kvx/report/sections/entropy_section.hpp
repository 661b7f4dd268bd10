#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/panel_chart.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/distinct.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/report/sections/report_tables.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Means over blocks of 8 tokens. Tokens that fewer than 5 answers reach are left out, because their mean depends more
/// on these answers than on the cell.
inline std::vector<ChartPoint> entropy_points(const AnswerEntropy& entropy) {
  constexpr std::size_t kBlock = 8, kFewest = 5;
  std::vector<ChartPoint> points;
  for (std::size_t first = 0; first < entropy.tokens.size(); first += kBlock) {
    double sum = 0, answers = 0, places = 0, tokens = 0;
    for (std::size_t t = first; t < std::min(first + kBlock, entropy.tokens.size()); ++t) {
      const AnswerEntropy::Token& token = entropy.tokens[t];
      if (token.n < kFewest) continue;
      const auto n = static_cast<double>(token.n);
      sum += n * token.mean, answers += n, places += static_cast<double>(t), ++tokens;
    }
    if (tokens > 0) points.push_back({places / tokens, {.value = sum / answers}});
  }
  return points;
}

namespace detail {

/// The entropies of one model and task.
inline std::vector<AnswerEntropy> entropies_of(const ReportData& data, const std::string& model,
                                               const std::string& task) {
  std::vector<AnswerEntropy> found;
  std::ranges::copy_if(data.entropies, std::back_inserter(found),
                       [&](const AnswerEntropy& entropy) { return entropy.model == model && entropy.task == task; });
  return found;
}

/// A panel for each method of a family, with a line for each of its settings and a dashed line for the base.
inline std::optional<Picture> entropy_chart(const ReportData& data, const std::string& model, const std::string& task,
                                            const PressFamily& family) {
  const std::vector<AnswerEntropy> all = entropies_of(data, model, task);
  std::vector<CellName> cells;
  for (const AnswerEntropy& entropy : all)
    if (std::ranges::find(family, entropy.cell.method()) != family.end()) cells.push_back(entropy.cell);
  std::ranges::stable_sort(cells, {}, [](const CellName& c) { return c.budget.empty() ? c.ratio : 2; });
  const std::vector<std::string> settings = distinct(cells, &CellName::setting_words);
  std::vector<ChartSeries> series = {{"uncompressed", std::string(kGray), "lw 1.6 ps 0 pt 7 dt 2"}};
  for (std::size_t s = 0; s < settings.size(); ++s)
    series.push_back({settings[s], color(s), "lw 1.6 ps 0.5 pt " + shape(s) + " dt " + dashes(s)});
  std::vector<ChartPanel> panels;
  double last = 0, top = 0;
  for (const CellName& method : family) {
    ChartPanel panel{method.label(), std::vector<std::vector<ChartPoint>>(series.size())};
    bool found = false;
    for (const AnswerEntropy& entropy : all) {
      if (!entropy.cell.is_base() && entropy.cell.method() != method) continue;
      const auto place = std::ranges::find(settings, entropy.cell.setting_words()) - settings.begin();
      auto& line = panel.lines[entropy.cell.is_base() ? 0 : static_cast<std::size_t>(place) + 1];
      line = entropy_points(entropy);
      found |= !entropy.cell.is_base() && !line.empty();
      for (const ChartPoint& point : line) last = std::max(last, point.x), top = std::max(top, point.y.value);
    }
    if (found) panels.push_back(std::move(panel));
  }
  if (panels.empty()) return std::nullopt;
  const std::string name = data.short_name(model);
  return panel_chart(
      {picture_path(task, name, "entropy_" + family.front().label()),
       name + ": entropy along the answers to " + task + ", " + family.front().label(),
       "The entropy of the model's next-token distribution, averaged over blocks of 8 tokens and over the "
       "answers that reach them. Tokens that fewer than 5 answers reach are left out."},
      series, panels, {"token of the answer", "mean entropy (nats)", 0, std::max(last * 1.03, 1.0), top * 1.08});
}

/// A row for each cell: the mean entropy over all tokens of all answers, and the mean change from the base.
inline ReportTable entropy_table(const ReportData& data, const std::string& model, const std::string& task) {
  ReportTable table{data.short_name(model) + ": " + task + ", entropy of the next token in nats",
                    {"press", "ratio", "tokens", "mean", "change"},
                    {},
                    "mean: over all tokens of all answers; change: from the uncompressed base's answers to the same "
                    "samples, over the tokens that both reach"};
  for (const AnswerEntropy& entropy : entropies_of(data, model, task)) {
    double sum = 0, n = 0, change = 0, paired = 0;
    for (const AnswerEntropy::Token& token : entropy.tokens) {
      const auto answers = static_cast<double>(token.n), pairs = static_cast<double>(token.paired);
      if (token.n > 0) sum += answers * token.mean, n += answers;
      if (token.paired > 0) change += pairs * token.change, paired += pairs;
    }
    table.rows.push_back({{entropy.cell.label()},
                          {entropy.cell.ratio_text("–")},
                          {decimals(n, 0)},
                          {n > 0 ? decimals(sum / n, 3) : "–"},
                          {paired > 0 && !entropy.cell.is_base() ? signed_decimals(change / paired, 3) : "–"}});
  }
  return table;
}

}  // namespace detail

/// The entropy of the model's next-token distributions along its answers.
inline ReportSection entropy_section(const ReportData& data) {
  ReportSection section{"entropy", "Entropy along the answers"};
  const std::vector<PressFamily> families = press_families(data.methods());
  for (const std::string& model : data.models())
    for (const std::string& task : distinct(data.entropies, &AnswerEntropy::task,
                                            [&](const AnswerEntropy& entropy) { return entropy.model == model; })) {
      for (const PressFamily& family : families)
        detail::draw(section, detail::entropy_chart(data, model, task, family));
      section.tables.push_back(detail::entropy_table(data, model, task));
    }
  return section;
}

}  // namespace kvx::inline v0
