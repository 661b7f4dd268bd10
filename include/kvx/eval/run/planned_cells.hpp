#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/run/cell.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/named/registry.hpp>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The name of the budget of a press that itself decides how many rows it keeps.
inline constexpr std::string_view kOwnBudget = "own";

/// A cell of a grid, and its name in records.
struct PlannedCell {
  Cell cell;
  CellName name;
  std::string ignores = {};  ///< the requested budget in rows or bytes, if the press ignores it
};

/// One line for each press that ignores the budget: the rows or bytes of the cells, or those of the `ratios` of the
/// grid that evict rows.
inline std::string ignored_budgets(std::span<const PlannedCell> cells, std::span<const double> ratios) {
  std::string text, removed;
  for (const double ratio : ratios)
    if (ratio != 0) removed.append(removed.empty() ? "ratio=" : ",").append(six_digits(ratio));
  std::set<std::string_view> named;
  for (const PlannedCell& planned : cells) {
    if (planned.name.budget != kOwnBudget) continue;
    const std::string& ignored = planned.ignores.empty() ? removed : planned.ignores;
    if (!ignored.empty() && named.insert(planned.name.press).second)
      text.append(planned.name.press).append(" itself decides how much stays and ignores ") += ignored + "\n";
  }
  return text;
}

/// One cell per press and allowance; a press that itself decides how many rows it keeps has one cell. If the options
/// ask for query-aware cells, each cell but the base is repeated with the question compressed. The base comes first; at
/// ratio 0 it replaces all presses. Throws Error for an unknown press, a budget out of range, and a number of rows for
/// a press that needs a ratio.
inline std::vector<PlannedCell> planned_cells(const EvalOptions& options, const Registry& presses) {
  std::vector<PlannedCell> cells;
  std::string rows, bytes;
  if (options.keep) rows = "keep=" + std::to_string(*options.keep);
  if (options.kv_bytes) bytes = "kv_bytes=" + std::to_string(*options.kv_bytes);
  const std::string budgets = rows + (rows.empty() || bytes.empty() ? "" : " ") + bytes;
  const auto add = [&](const AnyPolicy& policy, const Allowance& allowance, CellName name) {
    const auto same = [&](const PlannedCell& planned) { return planned.name == name; };
    if (std::any_of(cells.begin(), cells.end(), same)) return;
    const bool ignores = name.budget == kOwnBudget;
    cells.push_back({{policy, allowance}, std::move(name), ignores ? budgets : ""});
  };
  const AnyPolicy none = presses.parse(kNoPress);
  const auto add_base = [&] { add(none, Allowance::of_ratio(0), {none.written()}); };
  if (std::find(options.ratios.begin(), options.ratios.end(), 0.0) != options.ratios.end()) add_base();
  for (const auto& written : options.presses) {
    const AnyPolicy policy = presses.parse(written, {options.seed, read_matrix});
    const std::string press = policy.written();
    if (press == kNoPress) {
      add_base();
      continue;
    }
    if (!budgets.empty() && policy.traits().by_ratio)
      throw Error(press, "expected a ratio, since it cannot keep a number of rows; found " + budgets);
    for (const bool query_aware : {false, true}) {
      if (query_aware && !options.query_aware) continue;
      if (policy.traits().own_budget) {
        add(policy, Allowance::of_ratio(0), {press, 0, std::string(kOwnBudget), query_aware});
        continue;
      }
      for (const double ratio : options.ratios)
        if (ratio != 0) add(policy, Allowance::of_ratio(ratio), {press, ratio, {}, query_aware});
      if (options.keep) add(policy, Allowance::of_tokens(*options.keep), {press, 0, rows, query_aware});
      if (options.kv_bytes) add(policy, Allowance::of_bytes(*options.kv_bytes), {press, 0, bytes, query_aware});
    }
  }
  return cells;
}

}  // namespace kvx::inline v0
