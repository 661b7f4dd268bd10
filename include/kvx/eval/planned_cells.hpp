#pragma once

#include <kvx/eval/cell.hpp>
#include <kvx/eval/options.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/registry.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The budget's name for a press that decides itself how much stays.
inline constexpr std::string_view kOwnBudget = "own";

/// A cell of a grid, and what records call it.
struct PlannedCell {
  Cell cell;
  CellName name;
};

/// One cell per press and allowance, or per press where it decides itself how much stays; each but the base again with
/// the question compressed, where the options want that. At ratio 0 every other press is the base, which stands first
/// and alone. Throws Error for a press that does not exist and a budget out of range.
inline std::vector<PlannedCell> planned_cells(const EvalOptions& options, const Registry& presses) {
  std::vector<PlannedCell> cells;
  const auto add = [&](const AnyPolicy& policy, const Allowance& allowance, CellName name) {
    const auto same = [&](const PlannedCell& planned) { return planned.name == name; };
    if (std::none_of(cells.begin(), cells.end(), same)) cells.push_back({{policy, allowance}, std::move(name)});
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
    for (const bool query_aware : {false, true}) {
      if (query_aware && !options.query_aware) continue;
      if (policy.traits().own_budget) {
        add(policy, Allowance::of_ratio(0), {press, 0, std::string(kOwnBudget), query_aware});
        continue;
      }
      for (const double ratio : options.ratios)
        if (ratio != 0) add(policy, Allowance::of_ratio(ratio), {press, ratio, {}, query_aware});
      if (options.keep)
        add(policy, Allowance::of_tokens(*options.keep),
            {press, 0, "keep=" + std::to_string(*options.keep), query_aware});
      if (options.kv_bytes)
        add(policy, Allowance::of_bytes(*options.kv_bytes),
            {press, 0, "kv_bytes=" + std::to_string(*options.kv_bytes), query_aware});
    }
  }
  return cells;
}

}  // namespace kvx::inline v0
