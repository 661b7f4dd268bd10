#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/eval/tables/report_markdown.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/ppl.hpp>
#include <kvx/score/sds.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The drop of one metric in one cell, next to the rise of the cell's perplexity: a line of degradation.csv.
struct CellDegradation {
  std::string model, task;  ///< task: the label that data_label() returns
  CellName cell;
  std::string metric;
  SilentDegradation figures = {};  ///< drop.n counts the task's samples, rise.n the text pieces with a perplexity
};

namespace detail {

/// The mean of a metric over the answers that it applies to.
inline std::optional<double> mean_metric(std::span<const Record* const> answers, const AnyTask& task,
                                         std::string_view metric) {
  double sum = 0, n = 0;
  for (const Record* answer : answers)
    if (const auto value = metric_of(*answer, task, metric)) sum += *value, ++n;
  return n > 0 ? std::optional(sum / n) : std::nullopt;
}

/// The mean of a metric over predicted texts. Throws Error if the texts lack it.
inline double predicted_metric(std::span<const Record* const> texts, const AnyTask& task, const Metric& metric) {
  if (const auto mean = mean_metric(texts, task, metric.name)) return *mean;
  throw Error("record " + std::to_string(texts.front()->index) + " of " + texts.front()->press,
              "missing its " + std::string(metric.name));
}

}  // namespace detail

/// Compares the loss of function of each cell with the rise of its perplexity, in the order of the records. Function is
/// measured on the samples that cell and base both served, by the metrics with Role::works or Role::function.
/// Perplexity is measured on the texts that both served, by the metrics with Role::loss and Role::tokens; reference
/// answers do not count as texts. Empty if the records lack one of the two.
inline std::vector<CellDegradation> degradations(const TaskRegistry& registry, std::span<const Record> records) {
  using Answers = std::vector<const Record*>;                              // the attempts at one sample
  using Samples = std::map<std::pair<std::string, std::size_t>, Answers>;  // by group and index
  using Name = std::tuple<std::string, std::string, CellName>;             // model, task, cell
  std::map<Name, Samples> cells;
  std::vector<std::pair<Name, std::string>> groups;
  const CellRatios ratios(records);
  for (const Record& record : records) {
    if (record.grade.state == kNotApplicable) continue;
    const Name name{record.model, record.task, ratios.cell_of(record)};
    cells[name][{record.sample.task, record.index}].push_back(&record);
    const std::pair group(name, record.sample.task);
    const AnyTask* task = registry.find(record.task);
    const bool has_function = task != nullptr && !function_metrics(task->metrics()).empty();
    if (has_function && std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  }
  const auto is_reference = [&](const std::string& group) {  // whether the texts are answers of another task
    return std::any_of(groups.begin(), groups.end(), [&](const auto& other) { return other.second == group; });
  };
  // Calls f(answers of the base, answers of the cell) for each sample that both have.
  const auto each_pair = [&](const std::string& model, std::string_view task, const CellName& cell, auto&& f) {
    const auto compressed = cells.find({model, std::string(task), cell});
    const auto base = cells.find({model, std::string(task), CellName::base()});
    if (compressed == cells.end() || base == cells.end()) return;
    for (const auto& [sample, answers] : compressed->second)
      if (const auto other = base->second.find(sample); other != base->second.end()) f(other->second, answers);
  };
  std::vector<CellDegradation> results;
  for (const auto& [name, group] : groups) {
    const auto& [model, task, cell] = name;
    if (cell.is_base()) continue;
    std::map<std::string, PairedLoss> losses;  // by context; each piece of a text is a context
    for (const AnyTask& text_task : registry.tasks()) {
      const Metric *loss = find_role(text_task.metrics(), Role::loss),
                   *token_count = find_role(text_task.metrics(), Role::tokens);
      if (loss == nullptr || token_count == nullptr) continue;
      each_pair(model, text_task.name(), cell, [&](const Answers& base_answers, const Answers& cell_answers) {
        if (is_reference(cell_answers.front()->sample.task)) return;
        const double tokens = detail::predicted_metric(cell_answers, text_task, *token_count);
        PairedLoss& text = losses[cell_answers.front()->sample.task + ":" + context_of(*cell_answers.front())];
        text.base_nll += detail::predicted_metric(base_answers, text_task, *loss) * tokens;
        text.cell_nll += detail::predicted_metric(cell_answers, text_task, *loss) * tokens;
        text.tokens += static_cast<std::size_t>(tokens);
      });
    }
    if (losses.empty()) continue;
    std::vector<PairedLoss> texts;
    for (const auto& [context, loss] : losses) texts.push_back(loss);
    const AnyTask& graded_as = registry.at(task);
    for (const std::string_view metric : function_metrics(graded_as.metrics())) {
      std::map<std::string, PairedFunction> function;  // by context
      each_pair(model, task, cell,
                [&, &wanted_group = group](const Answers& base_answers, const Answers& cell_answers) {
                  if (cell_answers.front()->sample.task != wanted_group) return;
                  const auto base_mean = detail::mean_metric(base_answers, graded_as, metric),
                             cell_mean = detail::mean_metric(cell_answers, graded_as, metric);
                  if (!base_mean || !cell_mean) return;
                  PairedFunction& context = function[context_of(*cell_answers.front())];
                  ++context.n;
                  context.base += *base_mean;
                  context.cell += *cell_mean;
                });
      if (function.empty()) continue;
      CellDegradation& result =
          results.emplace_back(CellDegradation{model, data_label(task, group), cell, std::string(metric)});
      std::vector<PairedFunction> contexts;
      for (const auto& [label, context] : function) contexts.push_back(context);
      result.figures = silent_degradation(contexts, texts);
    }
  }
  return results;
}

/// A Markdown table with one row for each cell and metric.
inline std::string degradation_markdown(std::span<const CellDegradation> degradations) {
  std::vector<std::vector<std::string>> rows = {{"model", "press", "ratio", "task", "metric", "n", "contexts", "texts",
                                                 "drop", "perplexity rise", "SDS", "p", "verdict"}};
  std::size_t fewest = std::numeric_limits<std::size_t>::max();  // the smallest number of contexts or texts in a row
  for (const CellDegradation& d : degradations) {
    fewest = std::min({fewest, d.figures.drop.contexts, d.figures.rise.n});
    rows.push_back({markdown_text(d.model), markdown_text(d.cell.label()), d.cell.ratio_text(), markdown_text(d.task),
                    d.metric, std::to_string(d.figures.drop.n), std::to_string(d.figures.drop.contexts),
                    std::to_string(d.figures.rise.n), detail::interval_text(d.figures.drop),
                    detail::interval_text(d.figures.rise), detail::interval_text(d.figures.score),
                    decimals(d.figures.drop.p, 3), std::string(written(d.figures.state))});
  }
  const std::string note = context_note(fewest);
  return markdown_table(rows) +
         "\nSDS (silent degradation score): the share of the function that is lost, divided by the rise in perplexity, "
         "both compared with none [95 % bootstrap interval over contexts and texts]\n" +
         (note.empty() ? "" : "Note: " + note + "\n");
}

/// The columns of degradation.csv.
inline const CsvColumns<CellDegradation>& degradation_columns() {
  static const CsvColumns<CellDegradation> table = [] {
    auto columns = cell_row_columns<CellDegradation>();
    columns.add("metric", &CellDegradation::metric)
        .add("n", &CellDegradation::figures, &SilentDegradation::drop, &Estimate::n)
        .add("contexts", &CellDegradation::figures, &SilentDegradation::drop, &Estimate::contexts)
        .add("texts", &CellDegradation::figures, &SilentDegradation::rise, &Estimate::n)
        .add_word("verdict", degradation_states(), &CellDegradation::figures, &SilentDegradation::state);
    add_interval_columns(columns, "sds", &CellDegradation::figures, &SilentDegradation::score);
    add_interval_columns(columns, "drop", &CellDegradation::figures, &SilentDegradation::drop);
    add_interval_columns(columns, "rise", &CellDegradation::figures, &SilentDegradation::rise)
        .add_six_digits("p", &CellDegradation::figures, &SilentDegradation::drop, &Estimate::p)
        .add("implied_quality", &CellDegradation::figures, &SilentDegradation::quality);
    return columns;
  }();
  return table;
}

/// The text of degradation.csv. The field of a number that is not finite is empty.
inline std::string degradation_csv(std::span<const CellDegradation> degradations) {
  return degradation_columns().text(degradations);
}

}  // namespace kvx::inline v0
