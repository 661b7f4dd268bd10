#pragma once

#include <kvx/eval/cell_fields.hpp>
#include <kvx/eval/cell_name.hpp>
#include <kvx/eval/kept_tokens.hpp>
#include <kvx/io/csv_field.hpp>
#include <kvx/io/json_writer.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// Where the driver writes what cells keep: by span, by span and head, and token by token of each task's first context.
inline constexpr std::string_view kKeptSpansCsv = "kept_spans.csv", kKeptHeadsCsv = "kept_heads.csv",
                                  kKeptTextJson = "kept_text.json";

/// One line a cell and span. `share_kept` is of the span's rows over all layers and heads, `share_kept_of_all` of the
/// whole context's, and `relative` their quotient: below 1 the cell is harder on the span than on the rest.
inline std::string kept_spans_csv(std::span<const KeptSpan> spans) {
  std::map<std::tuple<std::string, std::string, CellName>, double> whole;
  for (const KeptSpan& span : spans)
    if (span.span == "all") whole[{span.model, span.task, span.cell}] = span.share();
  std::string text =
      "model,press,compression_ratio,budget,query_aware,task,span,contexts,tokens,share_kept,share_kept_of_all,"
      "relative\n";
  for (const KeptSpan& span : spans) {
    const double all = whole.at({span.model, span.task, span.cell});
    text += csv_line({csv_field(span.model), cell_fields(span.cell), csv_field(span.task), csv_field(span.span),
                      std::to_string(span.contexts), std::to_string(span.tokens), csv_field(span.share()),
                      csv_field(all), csv_field(span.share() / all)});
  }
  return text;
}

/// One line a cell, span, layer and head of keys and values, from 0.
inline std::string kept_heads_csv(std::span<const KeptSpan> spans) {
  std::string text = "model,press,compression_ratio,budget,query_aware,task,span,layer,head,contexts,tokens,kept\n";
  for (const KeptSpan& span : spans)
    for (std::size_t i = 0; i < span.kept.size(); ++i)
      text += csv_line({csv_field(span.model), cell_fields(span.cell), csv_field(span.task), csv_field(span.span),
                        std::to_string(i / static_cast<std::size_t>(span.heads)),
                        std::to_string(i % static_cast<std::size_t>(span.heads)), std::to_string(span.contexts),
                        std::to_string(span.tokens), std::to_string(span.kept[i])});
  return text;
}

/// An array of contexts, each with its tokens, the spans that they form, and of each cell how many heads keep a token.
inline std::string kept_text_json(std::span<const KeptText> texts) {
  JsonWriter out;
  out.begin_array();
  for (const KeptText& text : texts) {
    out.begin_object().key("model").value(text.model).key("task").value(text.task);
    out.key("query_aware").value(text.query_aware);
    out.key("index").value(text.index).key("heads").value(text.heads);
    out.key("tokens").begin_array();
    for (const std::string& token : text.tokens) out.value(token);
    out.end_array().key("spans").begin_array();
    for (const NamedSpan& span : text.spans)
      out.begin_object()
          .key("name")
          .value(span.name)
          .key("first")
          .value(span.tokens.first)
          .key("last")
          .value(span.tokens.last)
          .end_object();
    out.end_array().key("cells").begin_array();
    for (const KeptText::Cell& cell : text.cells) {
      write_cell(cell.name, out.begin_object());
      out.key("kept_by").begin_array();
      for (const Index heads : cell.heads) out.value(heads);
      out.end_array().end_object();
    }
    out.end_array().end_object();
  }
  return out.end_array().text() + "\n";
}

}  // namespace kvx::inline v0
