#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/eval/kept/kept_tokens.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/model_name.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/report/charts/picture.hpp>
#include <kvx/report/charts/span_colors.hpp>
#include <kvx/report/html/html.hpp>
#include <kvx/report/html/html_figure.hpp>
#include <kvx/report/html/html_page.hpp>
#include <kvx/report/html/html_table.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/report/sections/report.hpp>
#include <kvx/text/code_points.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The name of each token's span. If spans overlap, the last one counts.
inline std::vector<std::string> span_names(const KeptText& text) {
  std::vector<std::string> names(text.tokens.size());
  for (const NamedSpan& span : text.spans)
    for (Index t = span.tokens.first; t < std::min(span.tokens.last, std::ssize(text.tokens)); ++t)
      names[static_cast<std::size_t>(t)] = span.name;
  return names;
}

/// A token as HTML, with a sign at the end of each line.
inline std::string token_html(const std::string& token) {
  std::string html;
  for (const char c : utf8_of(code_points(token))) html += c == '\n' ? "⏎\n" : std::string(1, c);
  return html_text(html);
}

/// The tokens of a prompt, shaded by how many heads of the cell keep them. Those of a span are in an element with its
/// name and color.
inline std::string shaded_tokens(const KeptText& text, const KeptText::Cell& cell,
                                 const std::vector<std::string>& names) {
  std::string html = "<pre class=\"kept\">", open_span;
  for (std::size_t t = 0; t < text.tokens.size(); ++t) {
    if (names[t] != open_span) {
      if (!open_span.empty()) html += "</span>";
      open_span = names[t];
      if (!open_span.empty())
        html += "<span class=\"part\" style=\"border-color:" + span_color(open_span) + "\"><b>" + html_text(open_span) +
                "</b>";
    }
    const Index heads = cell.heads[t];
    const std::string share =
        six_digits(std::round(100.0 * static_cast<double>(heads) / static_cast<double>(text.heads)) / 100);
    html += heads == 0 ? "<s" : "<i style=\"--kept:" + share + "\"";
    html += " title=\"token " + std::to_string(t) + (names[t].empty() ? "" : ", " + html_text(names[t])) +
            ": kept by " + std::to_string(heads) + " of " + std::to_string(text.heads) + " heads\">" +
            token_html(text.tokens[t]) + (heads == 0 ? "</s>" : "</i>");
  }
  return html + (open_span.empty() ? "" : "</span>") + "</pre>\n";
}

inline std::string share_kept(const KeptText& text, const KeptText::Cell& cell) {
  const auto rows = static_cast<double>(std::accumulate(cell.heads.begin(), cell.heads.end(), Index{0}));
  return decimals(rows / static_cast<double>(text.heads * std::ssize(text.tokens)), 2);
}

}  // namespace detail

/// A prompt for each cell: the more heads keep a token, the stronger its color; a token that no head keeps is struck
/// through. The cells of a press are folded, unless it is the only press.
inline std::string kept_html(const KeptText& text) {
  const std::vector<std::string> names = detail::span_names(text);
  std::vector<std::pair<std::string, std::string>> presses;  // with the cells of each
  for (const KeptText::Cell& cell : text.cells) {
    const std::string method = cell.name.method().label();
    auto press = std::ranges::find(presses, method, &std::pair<std::string, std::string>::first);
    if (press == presses.end()) press = presses.insert(press, {method, {}});
    press->second += "<h4>" + html_text(cell.name.setting_words()) + ": " + detail::share_kept(text, cell) +
                     " of the rows kept</h4>" + detail::shaded_tokens(text, cell, names);
  }
  const std::string source = text.task.empty() ? ""
                                               : ": " + text.task + ", sample " + std::to_string(text.index) +
                                                     (text.query_aware ? ", with its question" : "");
  std::string html =
      "<h3>" + html_text(last_part(text.model) + source) + "</h3>\n<p class=\"note\">" +
      std::to_string(text.tokens.size()) + " tokens, kept by <i class=\"scale\"></i> few to all of " +
      std::to_string(text.heads) +
      " heads, <s class=\"gone\">by none</s>; point at a token to see its number and how many heads keep it</p>\n";
  for (const auto& [press, cells] : presses)
    html += std::string("<details") + (presses.size() == 1 ? " open" : "") + "><summary>" + html_text(press) +
            "</summary>\n" + cells + "</details>\n";
  return html;
}

/// A page about the kept tokens of some prompts, with tables and drawn pictures. It needs no other file.
inline std::string kept_page(std::string_view title, std::span<const KeptText> texts, std::span<const Picture> drawn,
                             std::span<const ReportTable> tables) {
  std::string body;
  for (const ReportTable& table : tables) body += html_table(table);
  for (std::size_t i = 0; i < drawn.size(); ++i) body += html_figure(drawn[i], i + 1);
  for (const KeptText& text : texts) body += kept_html(text);
  return html_page(title, body);
}

}  // namespace kvx::inline v0
