#pragma once

#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/kept_layer_map.hpp>
#include <kvx/report/charts/panel_chart.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/charts/span_colors.hpp>
#include <kvx/report/load/distinct.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/report/sections/report_tables.hpp>
#include <kvx/score/context_note.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The share kept of each span against the ratio, and of the whole context as a gray line.
inline std::optional<Picture> kept_chart(const ReportData& data, const std::string& model, const std::string& task,
                                         const std::vector<std::string>& spans, const PressFamily& family) {
  std::vector<ChartSeries> series;
  for (std::size_t s = 0; s < spans.size(); ++s)
    series.push_back(spans[s] == kAllSpan
                         ? ChartSeries{"whole prompt", std::string(kGray), "lw 1.6 ps 0 pt 7 dt 2"}
                         : ChartSeries{spans[s], span_color(spans[s]), "lw 1.8 ps 0.8 dt 1 pt " + shape(s)});
  // The base keeps everything.
  auto panels = method_panels(family, std::vector<ChartPoint>(spans.size(), {0, {.value = 1}}),
                              [&](const CellName& method, std::size_t s) {
                                std::vector<ChartPoint> points;
                                for (const KeptShare& kept : data.kept_shares)
                                  if (kept.model == model && kept.task == task && kept.span == spans[s] &&
                                      kept.cell.method() == method && std::isfinite(kept.share))
                                    points.push_back({kept.cell.ratio, {.value = kept.share}});
                                return points;
                              });
  if (panels.empty()) return std::nullopt;
  PanelAxes axes = ratio_axes(panels, "share of the rows kept");
  for (ChartPanel& panel : panels) panel.levels.clear();
  axes.level.clear();
  const std::string name = data.short_name(model);
  return panel_chart({picture_path(task, name, "kept_" + family.front().label()),
                      name + ": rows kept of the spans of " + task + ", " + family.front().label(),
                      "The share of each span's rows that is kept, over all layers and heads. Gray dashed line: the "
                      "whole prompt. A span below this line loses more than the rest."},
                     series, panels, axes);
}

/// A row for each cell: the share kept of each span and of the whole prompt, and how they compare.
inline ReportTable kept_table(const ReportData& data, const std::string& model, const std::string& task,
                              const std::vector<std::string>& spans) {
  ReportTable table{data.short_name(model) + ": " + task + ", share of the rows kept", {"press", "ratio"}, {}};
  table.head.insert(table.head.end(), spans.begin(), spans.end());
  table.note = "in parentheses: as a multiple of the share kept of the whole prompt (all)";
  const auto is_of_task = [&](const KeptShare& kept) { return kept.model == model && kept.task == task; };
  std::size_t fewest = 0;
  for (const KeptShare& kept : data.kept_shares)
    if (is_of_task(kept)) fewest = fewest_contexts(fewest, static_cast<std::size_t>(kept.contexts));
  if (const auto note = context_note(fewest); fewest > 0 && !note.empty()) table.note += ". Note: " + note;
  for (const CellName& cell : distinct(data.kept_shares, &KeptShare::cell, is_of_task)) {
    auto& row = table.rows.emplace_back(std::vector<TableField>{{cell.label()}, {cell.ratio_text("–")}});
    for (const std::string& span : spans) {
      const auto found = std::ranges::find_if(data.kept_shares, [&](const KeptShare& kept) {
        return is_of_task(kept) && kept.cell == cell && kept.span == span;
      });
      if (found == data.kept_shares.end() || std::isnan(found->share))
        row.push_back({"–"});
      else
        row.push_back({two_decimals(found->share) + (span == kAllSpan || std::isnan(found->relative)
                                                         ? ""
                                                         : " (×\u00a0" + two_decimals(found->relative) + ")")});
    }
  }
  return table;
}

}  // namespace detail

/// How many rows presses keep of the parts of prompts.
inline ReportSection kept_section(const ReportData& data) {
  ReportSection section{"kept", "Rows kept of each span"};
  const std::vector<PressFamily> families = press_families(data.methods());
  for (const std::string& model : data.models())
    for (const std::string& task :
         distinct(data.kept_shares, &KeptShare::task, [&](const KeptShare& kept) { return kept.model == model; })) {
      std::vector<std::string> spans = distinct(data.kept_shares, &KeptShare::span, [&](const KeptShare& kept) {
        return kept.model == model && kept.task == task;
      });
      sort_spans(spans);
      for (const PressFamily& family : families)
        detail::draw(section, detail::kept_chart(data, model, task, spans, family));
      detail::draw(section, kept_layer_map(data, model, task));
      section.tables.push_back(detail::kept_table(data, model, task, spans));
    }
  return section;
}

}  // namespace kvx::inline v0
