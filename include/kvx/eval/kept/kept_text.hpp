#pragma once

#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_json.hpp>
#include <kvx/io/json/json_writer.hpp>

#include <span>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// The file to which the driver writes, for each task's first context, which tokens the cells keep.
inline constexpr std::string_view kKeptTextJson = "kept_text.json";

/// A JSON array of contexts. Each has its tokens, its spans and, for each cell, the number of heads that keep each
/// token.
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
