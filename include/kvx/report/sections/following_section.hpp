#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/result_row.hpp>
#include <kvx/report/charts/chart_points.hpp>
#include <kvx/report/charts/panel_chart.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/load/press_families.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/score/metric.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The share of the instructions that is followed, solid, and the leakage, dashed.
inline std::optional<Picture> following_chart(const ReportData& data, const std::string& model,
                                              const std::array<TaskMetric, 2>& metrics, const PressFamily& family) {
  const auto& [followed, leaks] = metrics;
  const std::string name = data.short_name(model);
  const std::vector<ChartSeries> series = {
      {followed.metric + " of " + followed.task, color(0), "lw 2 ps 0.8 pt 7 dt 1"},
      {leaks.metric + " of " + leaks.task, color(1), "lw 2 ps 0.8 pt 5 dt 2"}};
  std::vector<ChartPoint> bases;
  for (const TaskMetric& metric : metrics) {
    const ResultRow* base = data.find(model, metric.task, CellName::base(), metric.metric);
    bases.push_back(base == nullptr ? ChartPoint{} : ratio_point(*base));
  }
  const auto panels = method_panels(family, bases, [&](const CellName& method, std::size_t s) {
    std::vector<ChartPoint> points;
    for (const ResultRow& f : data.figures)
      if (f.model == model && f.task == metrics[s].task && f.figure.name == metrics[s].metric &&
          f.cell.method() == method && std::isfinite(f.figure.value))
        points.push_back(ratio_point(f));
    return points;
  });
  if (panels.empty()) return std::nullopt;
  return panel_chart({picture_path(followed.task + "_" + leaks.task, name, "following_" + family.front().label()),
                      name + ": instructions that are followed and prompts that leak, " + family.front().label(),
                      "Solid: the share of the instructions that is followed; higher is better. Dashed: how much of "
                      "the prompt the answers repeat; lower is better. Bars: 95 % intervals. Horizontal dotted lines: "
                      "the uncompressed base."},
                     series, panels, ratio_axes(panels, "share"));
}

}  // namespace detail

/// Following and leaking in one picture for each press, because the defense of a prompt is an instruction, too.
inline ReportSection following_section(const ReportData& data) {
  ReportSection section{"following", "Following and leaking"};
  const std::vector<PressFamily> families = press_families(data.methods());
  for (const std::string& model : data.models())
    for (const TaskMetric& followed : data.with_role(model, Role::following))
      for (const TaskMetric& leaks : data.with_role(model, Role::leak))
        for (const PressFamily& family : families)
          detail::draw(section, detail::following_chart(data, model, {followed, leaks}, family),
                       sample_counts(data, model, followed.task));
  return section;
}

}  // namespace kvx::inline v0
