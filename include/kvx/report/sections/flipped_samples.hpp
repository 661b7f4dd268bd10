#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/report/load/record_names.hpp>
#include <kvx/report/load/report_data.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// A cell's answers beside the base's to the same samples. `lost` are its records to which the base was right and the
/// cell wrong, `gained` the other way round.
struct CellFlips {
  std::string model, task;
  CellName cell;
  std::size_t both = 0, gained = 0;
  std::set<std::string> contexts = {};  ///< contexts of the samples that base and cell both answered
  struct Pair {
    const Record* base;
    const Record* cell;
  };
  std::vector<Pair> lost = {};
};

/// In the order of the records, whose places the result holds.
inline std::vector<CellFlips> flipped_samples(const TaskRegistry& registry, std::span<const Record> records) {
  std::map<std::tuple<std::string, std::string, std::size_t, std::size_t>, const Record*> bases;
  for (const Record& record : records)
    if (record.press == kNoPress)
      bases.emplace(std::tuple(record.model, report_task(record), record.index, record.attempt), &record);
  const CellRatios ratios(records);
  std::vector<CellFlips> all;
  for (const Record& record : records) {
    const auto base = bases.find({record.model, report_task(record), record.index, record.attempt});
    if (record.press == kNoPress || base == bases.end()) continue;
    const std::optional<bool> was = works(registry, *base->second), is = works(registry, record);
    if (!was || !is) continue;
    const std::string task = report_task(record);
    const CellName cell = ratios.cell_of(record);
    auto found = std::find_if(all.rbegin(), all.rend(), [&](const CellFlips& flips) {
      return flips.model == record.model && flips.task == task && flips.cell == cell;
    });
    if (found == all.rend()) {
      all.push_back({record.model, task, cell});
      found = all.rbegin();
    }
    ++found->both;
    found->contexts.insert(context_of(record));
    found->gained += !*was && *is;
    if (*was && !*is) found->lost.push_back({base->second, &record});
  }
  return all;
}

/// How many of each cell's lost samples are shown: at most `per_cell`, and `most` of all, dealt out one by one so that
/// each cell has its turn.
inline std::vector<std::size_t> dealt(std::span<const CellFlips> flips, std::size_t per_cell, std::size_t most) {
  std::vector<std::size_t> shown(flips.size(), 0);
  for (std::size_t round = 0; round < per_cell; ++round)
    for (std::size_t i = 0; i < flips.size() && most > 0; ++i)
      if (flips[i].lost.size() > round) ++shown[i], --most;
  return shown;
}

}  // namespace kvx::inline v0
