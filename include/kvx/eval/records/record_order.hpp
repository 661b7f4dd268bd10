#pragma once

#include <kvx/eval/records/record.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Orders records by model, task and cell, each in the order in which the command names them, and then by index and
/// attempt. Models, tasks and cells that the command does not name come last. Two records are equivalent if they belong
/// to the same answer.
struct RecordOrder {
  std::vector<std::string> models, tasks;
  std::vector<CellName> cells;

  bool operator()(const Record& a, const Record& b) const { return place(a) < place(b); }

 private:
  using Place = std::tuple<std::size_t, std::string_view, std::size_t, std::string_view, std::size_t, CellName,
                           std::size_t, std::size_t>;

  Place place(const Record& record) const {
    const auto rank = [](const auto& names, const auto& matches) {
      return static_cast<std::size_t>(std::find_if(names.begin(), names.end(), matches) - names.begin());
    };
    return {rank(models, [&](const auto& name) { return name == record.model; }),
            record.model,
            rank(tasks, [&](const auto& name) { return name == record.task; }),
            record.task,
            rank(cells, [&](const auto& cell) { return cell == record.cell(); }),
            record.cell(),
            record.index,
            record.attempt};
  }
};

}  // namespace kvx::inline v0
