#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/cell_columns.hpp>
#include <kvx/io/csv_columns.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// The files to which the driver writes how many rows the cells keep: by span, and by span and head.
inline constexpr std::string_view kKeptSpansCsv = "kept_spans.csv", kKeptHeadsCsv = "kept_heads.csv";

/// The share that a cell keeps of one span of its contexts: a line of kept_spans.csv.
struct KeptShare {
  std::string model, task;
  CellName cell;
  std::string span;
  Index contexts = 0, tokens = 0;
  double share = 0;         ///< share of the span's rows that is kept, over all layers and heads
  double share_of_all = 0;  ///< share of the whole context's rows that is kept
  double relative = 0;  ///< share / share_of_all; below 1: the cell keeps less of the span than of the whole context
};

/// The rows that one head keeps of one span: a line of kept_heads.csv.
struct KeptHead {
  std::string model, task;
  CellName cell;
  std::string span;
  std::size_t layer = 0, head = 0;  ///< from 0; `head` is a KV head
  Index contexts = 0, tokens = 0, kept = 0;
};

/// The columns of kept_spans.csv.
inline const CsvColumns<KeptShare>& kept_spans_columns() {
  static const CsvColumns<KeptShare> table = cell_row_columns<KeptShare>()
                                                 .add("span", &KeptShare::span)
                                                 .add("contexts", &KeptShare::contexts)
                                                 .add("tokens", &KeptShare::tokens)
                                                 .add("share_kept", &KeptShare::share)
                                                 .add("share_kept_of_all", &KeptShare::share_of_all)
                                                 .add("relative", &KeptShare::relative);
  return table;
}

/// The columns of kept_heads.csv.
inline const CsvColumns<KeptHead>& kept_heads_columns() {
  static const CsvColumns<KeptHead> table = cell_row_columns<KeptHead>()
                                                .add("span", &KeptHead::span)
                                                .add("layer", &KeptHead::layer)
                                                .add("head", &KeptHead::head)
                                                .add("contexts", &KeptHead::contexts)
                                                .add("tokens", &KeptHead::tokens)
                                                .add("kept", &KeptHead::kept);
  return table;
}

/// The text of kept_spans.csv: one line for each cell and span.
inline std::string kept_spans_csv(std::span<const KeptSpan> spans) {
  std::map<std::tuple<std::string, std::string, CellName>, double> whole;
  for (const KeptSpan& span : spans)
    if (span.span == "all") whole[{span.model, span.task, span.cell}] = span.share();
  std::vector<KeptShare> rows;
  for (const KeptSpan& span : spans) {
    const double all = whole.at({span.model, span.task, span.cell});
    rows.push_back({span.model, span.task, span.cell, span.span, span.contexts, span.tokens, span.share(), all,
                    span.share() / all});
  }
  return kept_spans_columns().text(rows);
}

/// The text of kept_heads.csv: one line for each cell, span, layer and head.
inline std::string kept_heads_csv(std::span<const KeptSpan> spans) {
  std::vector<KeptHead> rows;
  for (const KeptSpan& span : spans)
    for (std::size_t i = 0; i < span.kept.size(); ++i)
      rows.push_back({span.model, span.task, span.cell, span.span, i / static_cast<std::size_t>(span.heads),
                      i % static_cast<std::size_t>(span.heads), span.contexts, span.tokens, span.kept[i]});
  return kept_heads_columns().text(rows);
}

}  // namespace kvx::inline v0
