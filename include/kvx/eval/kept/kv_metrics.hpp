#pragma once

#include <kvx/eval/records/cell_json.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/model_name.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/io/csv_columns.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// The perplexity and the generation times of one cell on one text, and their comparison with the base. NaN: not
/// measured.
struct KvMetrics {
  static constexpr std::array<std::string_view, 7> kMeasured = {
      "ppl", "prefill_time", "ttft", "tpot", "throughput", "decode_time", "total_generation_time"};
  static constexpr std::array<std::string_view, 5> kAgainstBase = {"ppl_delta", "prefill_speedup", "ttft_speedup",
                                                                   "tpot_speedup", "throughput_ratio"};

  /// The last part of the model's path, or the whole path if another model has the same last part; and the name of the
  /// text.
  std::string model, dataset;
  CellName cell;
  std::size_t contexts = 0;                                   ///< pieces of the text that were timed
  std::array<double, kMeasured.size()> measured = {};         ///< times are medians, in seconds
  std::array<double, kAgainstBase.size()> against_base = {};  ///< ppl_delta, then ratios; above 1: faster than the base
  std::size_t ppl_contexts = 0;                               ///< pieces of the text that were predicted
};

/// Joins perplexities and timed generations by model, text and cell: a row for each cell that was timed.
inline std::vector<KvMetrics> kv_metrics(const TaskRegistry& tasks, std::span<const CellResult> cells) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  // The value of the first summary, of any task, that `wanted` accepts; NaN if there is none.
  const auto summary = [&](const CellResult& result, const CellName& cell, const auto& wanted) -> double {
    for (const CellResult& other : cells) {
      const AnyTask* task = tasks.find(other.task);
      if (task == nullptr || other.model != result.model || other.group != result.group || other.cell != cell) continue;
      for (const Estimate& estimate : other.score.summaries)
        if (const Metric* metric = find_metric(task->summary_metrics(), estimate.name);
            metric && wanted(*task, *metric))
          return estimate.value;
    }
    return kNone;
  };
  const auto predicted = [&](const CellResult& result) -> std::size_t {
    for (const CellResult& other : cells)
      if (const AnyTask* task = tasks.find(other.task); task != nullptr && task->kind() == TaskKind::predicts)
        if (other.model == result.model && other.group == result.group && other.cell == result.cell)
          return other.score.contexts;
    return 0;
  };
  const auto measure = [&](const CellResult& result, const CellName& cell) {
    std::array<double, KvMetrics::kMeasured.size()> measured;
    measured[0] =
        summary(result, cell, [](const AnyTask&, const Metric& metric) { return metric.role == Role::perplexity; });
    for (std::size_t m = 1; m < measured.size(); ++m)
      measured[m] = summary(result, cell, [&](const AnyTask& task, const Metric& metric) {
        return task.name() == result.task && metric.name == std::string(KvMetrics::kMeasured[m]) + "_median";
      });
    return measured;
  };
  std::vector<std::string> models;
  for (const CellResult& cell : cells) models.push_back(cell.model);
  std::vector<KvMetrics> rows;
  for (const CellResult& cell : cells) {
    if (const AnyTask* task = tasks.find(cell.task); task == nullptr || task->kind() != TaskKind::is_timed) continue;
    const auto values = measure(cell, cell.cell), base_values = measure(cell, CellName::base());
    rows.push_back({short_model_name(cell.model, models),
                    cell.group,
                    cell.cell,
                    cell.score.contexts,
                    values,
                    {values[0] - base_values[0], base_values[1] / values[1], base_values[2] / values[2],
                     base_values[3] / values[3], values[4] / base_values[4]},
                    predicted(cell)});
  }
  return rows;
}

/// The columns of *_kv_metrics.csv.
inline const CsvColumns<KvMetrics>& kv_metrics_columns() {
  static const CsvColumns<KvMetrics> table = [] {
    CsvColumns<KvMetrics> columns;
    columns.add("model", &KvMetrics::model);
    columns.add("dataset", &KvMetrics::dataset);
    add_cell_columns(columns, &KvMetrics::cell);
    columns.add("contexts", &KvMetrics::contexts);
    for (std::size_t m = 0; m < KvMetrics::kMeasured.size(); ++m)
      columns.add(
          std::string(KvMetrics::kMeasured[m]), [m](auto& row) -> auto& { return row.measured[m]; });
    for (std::size_t m = 0; m < KvMetrics::kAgainstBase.size(); ++m)
      columns.add(
          std::string(KvMetrics::kAgainstBase[m]), [m](auto& row) -> auto& { return row.against_base[m]; });
    columns.add("ppl_contexts", &KvMetrics::ppl_contexts).may_lack();
    return columns;
  }();
  return table;
}

/// One line for each row. A field without a measurement is empty.
inline std::string kv_metrics_csv(std::span<const KvMetrics> rows) { return kv_metrics_columns().text(rows); }

/// The same as a JSON array of objects. A value without a measurement is null.
inline std::string kv_metrics_json(std::span<const KvMetrics> rows) {
  JsonWriter out;
  out.begin_array();
  for (const KvMetrics& row : rows) {
    write_cell(row.cell, out.begin_object().key("model").value(row.model).key("dataset").value(row.dataset));
    out.key("contexts").value(row.contexts);
    for (std::size_t m = 0; m < row.measured.size(); ++m) out.key(KvMetrics::kMeasured[m]).value(row.measured[m]);
    for (std::size_t m = 0; m < row.against_base.size(); ++m)
      out.key(KvMetrics::kAgainstBase[m]).value(row.against_base[m]);
    out.key("ppl_contexts").value(row.ppl_contexts).end_object();
  }
  return out.end_array().text() + "\n";
}

}  // namespace kvx::inline v0
