#pragma once

#include <kvx/eval/report_markdown.hpp>
#include <kvx/eval/results.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/score/estimate.hpp>
#include <kvx/score/latency.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A Markdown table for each model and text whose generations were timed: medians and quartiles, times in milliseconds,
/// and how many times as fast as the base's a token comes. Empty without latencies.
inline std::string latency_markdown(std::span<const CellResult> cells) {
  constexpr std::array<const char*, 6> kHeads = {"prefill ms", "TTFT ms",   "TPOT ms",
                                                 "tokens/s",   "decode ms", "total ms"};
  constexpr std::size_t kTpot = 2, kThroughput = 3;
  std::vector<std::string> titles;
  std::map<std::string, std::vector<std::vector<std::string>>> tables;
  std::map<std::string, double> base_tpot;
  const auto title_of = [](const CellResult& cell) { return markdown_text(cell.model + ": " + cell.label()); };
  for (const CellResult& cell : cells)
    if (cell.task == LatencyTask::name && cell.cell.is_base())
      base_tpot[title_of(cell)] = cell.score.summaries.at(kTpot).value;
  for (const CellResult& cell : cells) {
    if (cell.task != LatencyTask::name) continue;
    const std::string title = title_of(cell);
    auto& rows = tables[title];
    if (rows.empty()) {
      titles.push_back(title);
      rows.push_back({"press", "ratio", "n", "contexts"});
      rows.back().insert(rows.back().end(), kHeads.begin(), kHeads.end());
      for (const char* head : {"TPOT speedup", "not applicable", "MB kept"}) rows.back().push_back(head);
    }
    auto& row = rows.emplace_back();
    row = {markdown_text(cell.cell.label()), six_digits(cell.cell.ratio), std::to_string(cell.score.n),
           std::to_string(cell.score.contexts)};
    for (std::size_t m = 0; m < kHeads.size(); ++m) {
      row.push_back(detail::interval_text(cell.score.summaries.at(m).scaled(m == kThroughput ? 1 : 1e3)));
    }
    const double tpot = cell.score.summaries[kTpot].value;
    const auto base = base_tpot.find(title);
    row.push_back(base == base_tpot.end() ? "-" : decimals(base->second / tpot, 2));
    row.push_back(std::to_string(cell.not_applicable));
    row.push_back(decimals(cell.kept_bytes / 1e6, 2));
  }
  std::string text;
  for (const std::string& title : titles)
    text.append(text.empty() ? "" : "\n").append(title).append("\n\n") += markdown_table(tables[title]);
  return text.empty() ? text : text + "\nmedian [quartiles] of one sequence alone\n";
}

}  // namespace kvx::inline v0
