#pragma once

#include <kvx/eval/records/cell_json.hpp>
#include <kvx/eval/tables/results.hpp>
#include <kvx/eval/tables/results_text.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/context_note.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/statistics/better.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/version.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Writes a member `key`: an object with each estimate under its name.
inline void write_estimates(std::string_view key, std::span<const Estimate> estimates, JsonWriter& out) {
  out.key(key).begin_object();
  for (const Estimate& estimate : estimates) {
    out.key(estimate.name).begin_object();
    out.key("value").value(estimate.value).key("n").value(estimate.n).key("contexts").value(estimate.contexts);
    out.key("low").value(estimate.low).key("high").value(estimate.high).end_object();
  }
  out.end_object();
}

/// All figures of a cell that have a value: its metrics, summaries and shares.
inline std::vector<Estimate> all_estimates(const CellResult& cell) {
  std::vector<Estimate> estimates = cell.score.metrics;
  estimates.insert(estimates.end(), cell.score.summaries.begin(), cell.score.summaries.end());
  for (Estimate& estimate : cell_shares(cell)) estimates.push_back(std::move(estimate));
  std::erase_if(estimates, [](const Estimate& estimate) { return estimate.n == 0; });
  return estimates;
}

/// Writes the members of a cell's entry in `configs`.
inline void write_cell_config(const CellResult& cell, JsonWriter& out) {
  out.key("task").value(cell.label()).key("metadata").begin_object().key("model").value(cell.model);
  write_cell(cell.cell, out);
  out.key("not_applicable").value(cell.not_applicable).key("contexts").value(cell.score.contexts);
  if (const auto note = context_note(cell.score.contexts); !note.empty()) out.key("note").value(note);
  out.key("kept_bytes").value(cell.kept_bytes).key("full_bytes").value(cell.full_bytes);
  out.key("states").begin_object();
  for (const auto& [state, count] : cell.score.states) out.key(state).value(count);
  out.end_object();
  out.key("unfinished").value(cell.score.unfinished).key("as_read").value(cell.score.as_read);
  write_estimates("metrics", cell.score.metrics, out);
  write_estimates("summaries", cell.score.summaries, out);
  out.key("changes").begin_object();
  for (const Estimate& change : cell.changes) {
    out.key(change.name).begin_object().key("value").value(change.value).key("n").value(change.n);
    out.key("contexts").value(change.contexts);
    out.key("low").value(change.low).key("high").value(change.high);
    for (const auto& [key, p] : {std::pair("p", change.p), std::pair("holm_p", change.holm_p)})
      out.key(key).raw(std::isnan(p) ? "null" : six_digits(p));
    out.end_object();
  }
  out.end_object().end_object();
}

/// A name for each cell: the label of its samples, its press and ratio if it belongs to a grid, and its model if there
/// are several models.
inline std::vector<std::string> cell_names(std::span<const CellResult> cells) {
  std::set<std::string> models;
  for (const CellResult& cell : cells) models.insert(cell.model);
  std::vector<std::string> names;
  for (const CellResult& cell : cells)
    names.push_back((models.size() > 1 ? cell.model + " " : "") + cell.label() +
                    (cell.cell.press.empty() ? "" : " " + cell.cell.label()) +
                    (cell.cell.press.empty() || cell.cell.is_base() ? "" : "@" + cell.cell.ratio_text()));
  return names;
}

}  // namespace detail

/// The results in the format of lm-evaluation-harness's results.json, for its viewers: each cell's answers to one group
/// of samples are a task, whose name ends with press and ratio. Values for which this format has no place, such as
/// intervals and changes from the base, are in the task's `configs`.
inline std::string results_json(std::span<const CellResult> cells) {
  std::set<std::string> models;
  for (const CellResult& cell : cells) models.insert(cell.model);
  const std::vector<std::string> names = detail::cell_names(cells);
  std::string text = "{";
  const auto add = [&](std::string_view section, auto&& write) {
    text.append(text.size() > 1 ? ",\n\"" : "\"").append(section).append("\":{");
    for (std::size_t c = 0; c < cells.size(); ++c) {
      JsonWriter out;
      write(cells[c], names[c], out);
      text.append(c > 0 ? "\n," : "\n").append(JsonWriter().value(names[c]).text()).append(":").append(out.text());
    }
    text += "}";
  };
  add("results", [](const CellResult& cell, const std::string& name, JsonWriter& out) {
    out.begin_object().key("alias").value(name);
    for (const Estimate& estimate : detail::all_estimates(cell)) {
      out.key(estimate.name + ",none").value(estimate.value).key(estimate.name + "_stderr,none");
      std::isfinite(estimate.error) ? out.value(estimate.error) : out.value("N/A");
    }
    out.end_object();
  });
  text += ",\n\"group_subtasks\":{}";
  add("configs", [](const CellResult& cell, const std::string&, JsonWriter& out) {
    detail::write_cell_config(cell, out.begin_object());
    out.end_object();
  });
  add("versions", [](const CellResult&, const std::string&, JsonWriter& out) { out.value(1); });
  add("n-shot", [](const CellResult&, const std::string&, JsonWriter& out) { out.value(0); });
  add("higher_is_better", [](const CellResult& cell, const std::string&, JsonWriter& out) {
    out.begin_object();
    for (const Estimate& estimate : detail::all_estimates(cell))
      if (estimate.better != Better::neither) out.key(estimate.name).value(estimate.better == Better::more);
    out.end_object();
  });
  add("n-samples", [](const CellResult& cell, const std::string&, JsonWriter& out) {
    out.begin_object().key("original").value(cell.score.n + cell.not_applicable);
    out.key("effective").value(cell.score.n).end_object();
  });
  JsonWriter config;
  config.begin_object().key("model").value("kvx").key("model_args").begin_array();
  for (const std::string& model : models) config.value(model);
  config.end_array().end_object();
  return text + ",\n\"config\":" + config.text() + ",\n\"kvx_version\":" + JsonWriter().value(kVersion).text() + "}\n";
}

}  // namespace kvx::inline v0
