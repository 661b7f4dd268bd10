#pragma once

#include <kvx/eval/record.hpp>
#include <kvx/io/number_text.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// A press at one setting, as results.csv names it: the press with its budget, if any, and the ratio.
struct ReportCell {
  std::string press;  ///< such as `knorm` or `snapkv(window=32) keep=256 query_aware`
  double ratio = 0;

  /// `own`, `keep=256` or `kv_bytes=100000`; empty where the ratio says how much stays.
  std::string budget() const {
    const std::size_t parameters = press.rfind(')');  // which may have such names
    std::size_t at = press.find(' ', parameters == press.npos ? 0 : parameters);
    while (at != press.npos) {
      const std::size_t next = press.find(' ', at + 1);
      const std::string word = press.substr(at + 1, std::min(next, press.size()) - at - 1);
      if (word == "own" || word.starts_with("keep=") || word.starts_with("kv_bytes=")) return word;
      at = next;
    }
    return {};
  }
  /// The press without its budget: what one line of a chart is about.
  std::string method() const {
    const std::string removed = budget();
    return removed.empty() ? press : std::string(press).erase(press.rfind(" " + removed), removed.size() + 1);
  }
  /// What tells the cells of a method apart.
  std::string setting() const { return budget().empty() ? six_digits(ratio) : budget(); }
  /// The same for a reader who has no other words with it: `ratio 0.5` or `keep=256`.
  std::string setting_words() const { return (budget().empty() ? "ratio " : "") + setting(); }
  bool is_base() const { return press == kNoPress; }

  /// The ratio of a budget is a mean over contexts, and differs from task to task.
  bool operator==(const ReportCell& other) const {
    return press == other.press && (ratio == other.ratio || !budget().empty());
  }
};

/// Of a method's cells the one that removes most; none where it has no cell.
inline std::optional<ReportCell> hardest_cell(const std::vector<ReportCell>& cells, const std::string& method) {
  std::optional<ReportCell> most;
  for (const ReportCell& cell : cells)
    if (cell.method() == method && (!most || cell.ratio > most->ratio)) most = cell;
  return most;
}

}  // namespace kvx::inline v0
