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

/// A cell's answers compared with the base's answers to the same samples. `lost` has the answers that are right in the
/// base and wrong in the cell; `gained` counts those that are wrong in the base and right in the cell.
struct CellFlips {
  std::string model, task;
  CellName cell;
  std::size_t both = 0, gained = 0;     ///< both: answers that were compared
  std::set<std::string> contexts = {};  ///< contexts of the samples that base and cell both answered
  struct Pair {
    const Record* base;
    const Record* cell;
  };
  std::vector<Pair> lost = {};
};

/// In the order of the records. The result points into `records`.
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
    const std::optional<bool> base_works = answer_works(registry, *base->second),
                              cell_works = answer_works(registry, record);
    if (!base_works || !cell_works) continue;
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
    found->gained += !*base_works && *cell_works;
    if (*base_works && !*cell_works) found->lost.push_back({base->second, &record});
  }
  return all;
}

/// The number of lost samples to show for each cell: at most `per_cell`, and `most` in total. The cells take turns
/// until one of these limits is reached.
inline std::vector<std::size_t> shown_counts(std::span<const CellFlips> flips, std::size_t per_cell, std::size_t most) {
  std::vector<std::size_t> shown(flips.size(), 0);
  for (std::size_t round = 0; round < per_cell; ++round)
    for (std::size_t i = 0; i < flips.size() && most > 0; ++i)
      if (flips[i].lost.size() > round) ++shown[i], --most;
  return shown;
}

}  // namespace kvx::inline v0
