#pragma once

#include <kvx/eval/results.hpp>
#include <kvx/io/json_writer.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/share.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Six digits: what a math library computes may differ in its last ones from host to host.
inline std::string six_digits(double number) {
  std::array<char, 32> text;
  return {text.data(),
          std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::general, 6).ptr};
}

/// A field of RFC 4180.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

/// As JSON has it; empty where JSON has none.
inline std::string csv_field(double number) {
  return std::isfinite(number) ? JsonWriter().value(number).text() : std::string();
}

/// A p with six digits; `none` if there is none.
inline std::string p_field(double p, std::string_view none = "") {
  return std::isnan(p) ? std::string(none) : six_digits(p);
}

inline std::string csv_line(std::initializer_list<std::string> fields) {
  std::string line;
  for (const std::string& field : fields) line.append(field).append(",");
  line.back() = '\n';
  return line;
}

/// The figures of a cell that do not come from its task: the share of answers with a thought that does not end, if
/// there are any, and the share of the cache that the cell keeps.
inline std::vector<Share> cell_shares(const CellResult& cell) {
  std::vector<Share> shares;
  if (cell.score.unfinished > 0) shares.push_back(cell.score.unfinished_share);
  shares.push_back({"memory_retained", cell.kept_bytes / cell.full_bytes, cell.score.n, cell.score.contexts});
  for (Share& share : shares) share.better = Better::less;
  return shares;
}

}  // namespace detail

/// One line a cell and metric, the task's summaries and the share of the cache that is kept among them; `change` and
/// holm_p are against the base, `better` says which values are better. A field without a known value is empty.
inline std::string results_csv(std::span<const CellResult> cells) {
  std::string text =
      "model,press,compression_ratio,task,metric,value,n,contexts,low,high,change,change_low,change_high,p,holm_p,"
      "better\n";
  for (const CellResult& cell : cells) {
    const auto add = [&](const Share& share, const Change* change = nullptr) {
      for (const std::string& field :
           {detail::csv_field(cell.model), detail::csv_field(cell.press()), detail::csv_field(cell.ratio),
            detail::csv_field(cell.label()), detail::csv_field(share.name), detail::csv_field(share.value),
            std::to_string(share.n), std::to_string(share.contexts), detail::csv_field(share.low),
            detail::csv_field(share.high)})
        text.append(field).append(",");
      if (change == nullptr || change->n == 0) {
        text.append(",,,,,").append(written(share.better)).append("\n");
        return;
      }
      for (const double number : {change->value, change->interval.low, change->interval.high})
        text.append(detail::csv_field(number)).append(",");
      text.append(detail::p_field(change->p)).append(",").append(detail::p_field(change->holm_p));
      text.append(",").append(written(share.better)).append("\n");
    };
    for (std::size_t m = 0; m < cell.score.metrics.size(); ++m)
      add(cell.score.metrics[m], cell.changes.empty() ? nullptr : &cell.changes[m]);
    for (const Share& share : cell.score.summaries) add(share);
    for (const Share& share : detail::cell_shares(cell)) add(share);
  }
  return text;
}

}  // namespace kvx::inline v0
