#pragma once

#include <kvx/eval/records/record.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Orders records as the command named what they are of: by model, task and cell, then by index and attempt. What the
/// command did not name comes last. Two records are equivalent when they are of the same answer.
struct RecordOrder {
  std::vector<std::string> models, tasks;
  std::vector<CellName> cells;

  bool operator()(const Record& a, const Record& b) const { return place(a) < place(b); }

 private:
  using Place = std::tuple<std::size_t, std::string_view, std::size_t, std::string_view, std::size_t, CellName,
                           std::size_t, std::size_t>;

  Place place(const Record& record) const {
    const auto rank = [](const auto& names, const auto& is) {
      return static_cast<std::size_t>(std::find_if(names.begin(), names.end(), is) - names.begin());
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
