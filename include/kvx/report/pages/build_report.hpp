#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/divergence_chart.hpp>
#include <kvx/report/charts/heat_map.hpp>
#include <kvx/report/charts/ratio_chart.hpp>
#include <kvx/report/charts/state_chart.hpp>
#include <kvx/report/load/sample_counts.hpp>
#include <kvx/report/load/time_metric.hpp>
#include <kvx/report/sections/class_section.hpp>
#include <kvx/report/sections/entropy_section.hpp>
#include <kvx/report/sections/flipped_samples.hpp>
#include <kvx/report/sections/following_section.hpp>
#include <kvx/report/sections/kept_section.hpp>
#include <kvx/report/sections/leakage_section.hpp>
#include <kvx/report/sections/pitfalls_summary.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/report/sections/report_tables.hpp>
#include <kvx/report/sections/silent_cells.hpp>
#include <kvx/score/metric.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

struct ReportOptions {
  std::string time_metric = "";  ///< a name in time_metrics(); empty: the time per token
  std::size_t samples_per_cell = 3, samples = 40;
};

namespace detail {

inline std::string percent(double share) { return decimals(share * 100, 0) + "\u00a0%"; }

inline std::string joined(const std::vector<CellName>& methods) {
  std::string text;
  for (const CellName& method : methods) text.append(text.empty() ? "" : ", ").append(method.label());
  return text;
}

/// Calls f(model, task) for each model and each of its tasks that has the metric; an empty metric stands for all tasks.
inline void each_task(const ReportData& data, std::string_view metric, auto&& f) {
  for (const std::string& model : data.models())
    for (const std::string& task : data.tasks(model, metric)) f(model, task);
}

/// The findings in sentences, and a table of the tasks that were run.
inline ReportSection summary_section(const ReportData& data) {
  ReportSection section{"summary", "Summary", pitfalls_summary(data)};
  const LostFunctions lost = lost_functions(data);
  const auto measured = static_cast<std::size_t>(
      std::count_if(lost.cells.begin(), lost.cells.end(), [](const LostFunction& f) { return f.rise.has_value(); }));
  std::vector<LostFunction> silent;
  std::copy_if(lost.cells.begin(), lost.cells.end(), std::back_inserter(silent),
               [](const auto& f) { return f.silent(); });
  const std::string calm = "perplexity rises by no more than " + percent(kCalmRise);
  if (lost.compared > 0) {
    std::string line = "Function is significantly below the uncompressed base in " + std::to_string(lost.cells.size()) +
                       " of " + std::to_string(lost.compared) + " cells";
    if (measured > 0) line += "; in " + (silent.empty() ? "none" : std::to_string(silent.size())) + " of these " + calm;
    section.lines.push_back(line + (silent.empty() ? "." : ":"));
  }
  std::string last;
  for (const LostFunction& f : silent) {  // a point for each method
    const std::string head =
        data.short_name(f.model) + ", " + f.cell.method().label() + ": " + f.metric + " of " + f.task + " falls by ";
    if (head != last) section.points.push_back(head);
    section.points.back() += (head == last ? "; by " : "") + percent(f.loss) + " at " + f.cell.setting() +
                             " (perplexity " + (*f.rise > 0 ? "+" : "−") + percent(std::abs(*f.rise)) + ")";
    last = head;
  }
  ReportTable table{"Tasks that were run", {"model", "task", "cells", "samples of a cell", "contexts"}, {}};
  std::string few;
  each_task(data, {}, [&](const std::string& model, const std::string& task) {
    const SampleCounts counts = sample_counts(data, model, task);
    table.rows.push_back({{data.short_name(model)},
                          {task},
                          {std::to_string(data.cells(model, task).size())},
                          {count_text(counts.n)},
                          {count_text(counts.contexts)}});
    if (const auto note = counts_note(counts); !note.empty()) few += " " + task + ": " + note + ".";
  });
  table.note = "Methods: " + joined(data.methods()) + "." + few;
  section.tables.push_back(std::move(table));
  return section;
}

inline std::string cell_words(const CellName& cell) {
  return cell.label() + (cell.budget.empty() ? " at ratio " + six_digits(cell.ratio) : "");
}

inline ReportSection flips_section(const ReportData& data, const ReportOptions& options) {
  ReportSection section{"flipped", "Samples that flipped"};
  const std::vector<CellFlips> flips = flipped_samples(data.registry, data.records);
  if (flips.empty()) return section;
  const std::vector<std::size_t> shown = shown_counts(flips, options.samples_per_cell, options.samples);
  std::size_t all_lost = 0, all_shown = 0;
  for (std::size_t i = 0; i < flips.size(); ++i) {
    all_lost += flips[i].lost.size();
    all_shown += shown[i];
    if (shown[i] == 0) continue;
    const CellFlips& f = flips[i];
    section.flips.push_back({data.short_name(f.model) + ", " + f.task + ", " + cell_words(f.cell) + ": " +
                                 std::to_string(shown[i]) + " of " + std::to_string(f.lost.size()),
                             {}});
    for (std::size_t s = 0; s < shown[i]; ++s)
      section.flips.back().pairs.emplace_back(*f.lost[s].base, *f.lost[s].cell);
  }
  section.lines = {"In " + std::to_string(all_lost) + (all_lost == 1 ? " case" : " cases") +
                   ", the answer of the uncompressed base is right and that of the cell is wrong. report.html shows " +
                   std::to_string(all_shown) + " of these pairs side by side."};
  section.tables.push_back(flips_table(data, flips));
  return section;
}

inline ReportSection prompts_section(const ReportData& data) {
  ReportSection section{"prompts", "Prompts, shaded by the heads that keep each token"};
  if (data.prompts.empty()) return section;
  section.lines = {
      "report.html shows the first prompt of each task for each cell. The more heads keep a token, the stronger its "
      "color."};
  section.prompts = data.prompts;
  return section;
}

/// The sections about lost instructions and leaking prompts.
inline std::vector<ReportSection> pitfalls_sections(const ReportData& data) {
  return {class_section(data), leakage_section(data), following_section(data),
          kept_section(data),  prompts_section(data), entropy_section(data)};
}

}  // namespace detail

/// Builds a report. A section without input is left out.
inline Report build_report(const ReportData& data, const ReportOptions& options = {}) {
  Report report{"KV-cache compression: what still works", {}};
  const auto add = [&](ReportSection section) {
    if (!section.empty()) report.sections.push_back(std::move(section));
  };
  add(detail::summary_section(data));
  for (ReportSection& section : detail::pitfalls_sections(data)) add(std::move(section));

  ReportSection divergence{"divergence", "Function and perplexity"}, heat{"heat", "Function by press and ratio"},
      degradation{"sds", "Silent degradation"}, states{"states", "How answers ended"},
      perplexity{"perplexity", "Perplexity"}, times{"time", "Time"}, figures{"figures", "All figures"},
      settings{"settings", "Settings of the runs"};
  detail::each_task(data, {}, [&](const std::string& model, const std::string& task) {
    const SampleCounts counts = sample_counts(data, model, task);
    detail::draw(divergence, divergence_chart(data, model, task), counts);
    for (const std::string& metric : data.function_metrics(task)) {
      auto picture = heat_map(data, model, task, metric);
      if (!picture) continue;
      detail::draw(heat, std::move(picture), counts);
      break;
    }
    if (auto table = degradation_table(data, model, task)) degradation.tables.push_back(std::move(*table));
    detail::draw(states, state_chart(data, model, task), counts);
    figures.tables.push_back(figure_table(data, model, task));
  });
  for (const std::string& model : data.models())
    for (const TaskMetric& text : data.with_role(model, Role::perplexity))
      detail::draw(perplexity, perplexity_chart(data, model, text), sample_counts(data, model, text.task));
  if (const auto time = time_metric(data.registry, options.time_metric))
    detail::each_task(data, time->summary.name, [&](const std::string& model, const std::string& task) {
      detail::draw(times, time_chart(data, model, task, *time), sample_counts(data, model, task));
    });
  if (!degradation.tables.empty())
    degradation.lines = {
        "The silent degradation score (SDS) is the share of the function that is lost, divided by the rise in "
        "perplexity, both compared with the uncompressed base. Its 95 % interval is a bootstrap over contexts and "
        "texts. Maximally silent: function is worse, but perplexity is not. Too few contexts: function is worse by "
        "no more than chance."};
  figures.lines = {
      "Value [95 % interval], then the change from the uncompressed base on the same samples with its p value, "
      "Holm-corrected over the table. Intervals and p values treat each context as one unit."};
  figures.folded = settings.folded = true;
  for (const RunFacts& run : data.runs) {
    ReportTable table{run.source, {"setting", "value"}, {}};
    for (const auto& [name, value] : run.facts) table.rows.push_back({{name}, {value}});
    settings.tables.push_back(std::move(table));
  }
  for (ReportSection* section : {&divergence, &degradation, &perplexity, &times, &heat, &states})
    add(std::move(*section));
  add(detail::flips_section(data, options));
  add(std::move(figures));
  add(std::move(settings));
  return report;
}

}  // namespace kvx::inline v0
