#pragma once

#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/degradation.hpp>
#include <kvx/eval/kept_tables.hpp>
#include <kvx/eval/kept_tokens.hpp>
#include <kvx/eval/model_name.hpp>
#include <kvx/eval/part_groups.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/result_row.hpp>
#include <kvx/report/distinct.hpp>
#include <kvx/report/report_rows.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// All that a report is made from. Models, tasks and cells come in the order in which the files have them.
struct ReportData {
  std::vector<ResultRow> figures;
  std::vector<CellDegradation> degradations;
  std::vector<Record> records;  ///< without their contexts
  std::vector<GroupResult> groups;
  std::vector<KeptShare> kept_shares;
  std::vector<KeptLayers> kept_layers;
  std::vector<AnswerEntropy> entropies;
  std::vector<KeptText> prompts;
  std::vector<RunFacts> runs;

  const ResultRow* find(std::string_view model, std::string_view task, const CellName& cell,
                        std::string_view metric) const {
    const auto found = std::find_if(figures.begin(), figures.end(), [&](const ResultRow& f) {
      return f.figure.name == metric && f.task == task && f.model == model && f.cell == cell;
    });
    return found == figures.end() ? nullptr : &*found;
  }

  std::vector<std::string> models() const { return distinct(figures, &ResultRow::model); }
  /// The tasks of a model, or those that have the metric.
  std::vector<std::string> tasks(std::string_view model, std::string_view metric = {}) const {
    return distinct(figures, &ResultRow::task, [&](const ResultRow& f) {
      return f.model == model && (metric.empty() || f.figure.name == metric);
    });
  }
  std::vector<std::string> metrics(std::string_view model, std::string_view task) const {
    return distinct(
        figures, [](const ResultRow& f) { return f.figure.name; },
        [&](const ResultRow& f) { return f.model == model && f.task == task; });
  }
  std::vector<CellName> cells(std::string_view model, std::string_view task) const {
    return distinct(figures, &ResultRow::cell, [&](const ResultRow& f) { return f.model == model && f.task == task; });
  }
  /// Of all models and tasks, so that a method has one place and one colour in every picture; without the base.
  std::vector<CellName> methods() const {
    return distinct(
        figures, [](const ResultRow& f) { return f.cell.method(); },
        [](const ResultRow& f) { return !f.cell.is_base(); });
  }

  /// As short_model_name() has it among all models.
  std::string short_name(const std::string& model) const { return short_model_name(model, models()); }
};

/// The task's label without the task perplexity or latency: `story` of `perplexity/story`.
inline std::string data_set(const std::string& task) { return task.substr(task.find('/') + 1); }

}  // namespace kvx::inline v0
