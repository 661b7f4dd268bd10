#pragma once

#include <kvx/io/number_text.hpp>

#include <cmath>
#include <compare>
#include <string>
#include <string_view>
#include <tuple>

namespace kvx::inline v0 {

/// The press of the uncompressed base, whose ratio is 0.
inline constexpr std::string_view kNoPress = "none";

/// The name of one cell of a grid: a press at one setting.
struct CellName {
  std::string press;        ///< written form, such as `snapkv(window=32)`
  double ratio = 0;         ///< compression ratio: the share of the rows that is removed; with a budget, see CellRatios
  std::string budget = {};  ///< `keep=256`, `kv_bytes=100000` or `own`; empty if the ratio is the setting
  bool query_aware = false;  ///< whether the question is compressed with its context

  static CellName base() { return {std::string(kNoPress)}; }
  bool is_base() const { return *this == base(); }

  /// The cell without its ratio and budget. The cells of one line in a chart have the same method.
  CellName method() const { return {press, 0, {}, query_aware}; }
  /// The ratio, or the budget that replaces it.
  std::string setting() const { return budget.empty() ? six_digits(ratio) : budget; }
  /// The setting with the word `ratio` before a ratio, for use without a heading: `ratio 0.5` or `keep=256`.
  std::string setting_words() const { return (budget.empty() ? "ratio " : "") + setting(); }
  /// The cell's name without its ratio, for tables and charts: `knorm keep=256 query_aware`.
  std::string label() const {
    return press + (budget.empty() ? "" : " " + budget) + (query_aware ? " query_aware" : "");
  }

  /// The ratio in a table, or a dash if it is unknown, because the press can serve no context.
  std::string ratio_text(std::string_view dash = "-") const {
    return std::isnan(ratio) ? std::string(dash) : six_digits(ratio);
  }

  /// Cells with a budget are compared without their ratios, because the ratio of a budget depends on the context.
  bool operator==(const CellName& other) const { return identity() == other.identity(); }
  std::partial_ordering operator<=>(const CellName& other) const { return identity() <=> other.identity(); }

 private:
  std::tuple<std::string_view, double, std::string_view, bool> identity() const {
    return {press, budget.empty() ? ratio : 0, budget, query_aware};
  }
};

}  // namespace kvx::inline v0
