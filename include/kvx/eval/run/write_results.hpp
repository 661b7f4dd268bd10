#pragma once

#include <kvx/eval/kept/kept_tables.hpp>
#include <kvx/eval/kept/kept_text.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/kept/kv_metrics.hpp>
#include <kvx/eval/records/output_file.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_store.hpp>
#include <kvx/eval/run/analyze_kept.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/eval/tables/entropy_table.hpp>
#include <kvx/eval/tables/part_groups.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/eval/tables/results_json.hpp>
#include <kvx/eval/tables/results_text.hpp>

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Writes the kv_metrics files: one for each model and text, and one for all.
inline void write_kv_metrics(const std::string& out, const TaskRegistry& tasks, std::span<const CellResult> cells) {
  const auto rows = kv_metrics(tasks, cells);
  if (rows.empty()) return;
  const auto write = [&](const std::string& name, const std::vector<KvMetrics>& table) {
    replace_file(out + name + "kv_metrics.csv", kv_metrics_csv(table));
    replace_file(out + name + "kv_metrics.json", kv_metrics_json(table));
  };
  std::map<std::string, std::vector<KvMetrics>> tables;
  for (const auto& row : rows) {
    std::string name = row.model + "_" + row.dataset + "_";
    std::replace(name.begin(), name.end(), '/', '_');
    tables[name].push_back(row);
  }
  for (const auto& [name, table] : tables) write(name, table);
  write("", rows);
}

}  // namespace detail

/// Writes the tables of a run to its directory `out`: the results of its cells and, if there are any, parts, entropies
/// and kept tokens. Throws Error if a file cannot be written.
inline void write_results(const std::string& out, const TaskRegistry& tasks, std::span<const CellResult> cells,
                          std::span<const Record> records, std::span<const GroupResult> groups,
                          const KeptAnalysis& kept) {
  const auto write = [&](std::string_view name, const std::string& text) {
    replace_file((out + "/").append(name), text);
  };
  write(kResultsJson, results_json(cells));
  write(kResultsCsv, results_csv(cells));
  detail::write_kv_metrics(out + "/", tasks, cells);
  if (!groups.empty()) write(kGroupsCsv, groups_csv(groups));
  if (const auto entropies = entropy_csv(records); !entropies.empty()) write(kEntropyCsv, entropies);
  if (kept.texts.empty()) return;
  CellRatios ratios = kept.ratios;  // for cells without records, since no answers were generated
  ratios.replace(CellRatios(records));
  std::vector<KeptSpan> spans = kept.counts.spans();
  for (KeptSpan& span : spans) span.cell = ratios.settled(span.model, span.task, span.cell);
  std::vector<KeptText> texts = kept.texts;
  for (KeptText& text : texts)
    for (KeptText::Cell& cell : text.cells) cell.name = ratios.settled(text.model, text.task, cell.name);
  write(kKeptSpansCsv, kept_spans_csv(spans));
  write(kKeptHeadsCsv, kept_heads_csv(spans));
  write(kKeptTextJson, kept_text_json(texts));
}

}  // namespace kvx::inline v0
