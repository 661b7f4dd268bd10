#pragma once

#include <kvx/core/error.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/score/holm.hpp>
#include <kvx/score/registry.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/task.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What the answers of one cell to one group of samples come to.
struct CellResult {
  std::string model, task, group;  ///< the task that graded them; a group has one value of the column `task`
  CellName cell = {};
  double ratio = 0;                ///< the cell's, or the mean over its answers where that has a budget
  std::size_t not_applicable = 0;  ///< samples that the press cannot serve; they count nowhere else
  Score score = {};
  std::vector<Change> changes = {};  ///< against the base, on the samples that both served; none for the base itself
  double kept_bytes = 0, full_bytes = 0;  ///< mean size of a context's cache, compressed and not; NaN without answers

  bool is_base() const { return cell == CellName{std::string(kNoPress)}; }
  /// The press, and the budget where the cell has one: `knorm keep=256`.
  std::string press() const { return cell.budget.empty() ? cell.press : cell.press + " " + cell.budget; }
  /// The group, with the task where the group's name does not tell it.
  std::string label() const { return group == task || group.starts_with(task + "_") ? group : task + "/" + group; }
};

namespace detail {

inline Grade grade_of(const Record& record, const AnyTask& task) {
  Grade grade{record.state, {}, record.detail};
  for (const std::string_view name : task.metric_names()) {
    const auto found = record.metrics.find(std::string(name));
    if (found == record.metrics.end())
      throw Error("record " + std::to_string(record.index) + " of " + record.press,
                  "missing metric " + std::string(name) + " of task " + record.task);
    grade.metrics.push_back(found->second);
  }
  return grade;
}

/// Corrects the p values of each model's group for all cells and metrics that are tested there.
inline void correct_for_the_grid(std::vector<CellResult>& cells) {
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<Change*>> tables;
  for (CellResult& cell : cells)
    for (Change& change : cell.changes)
      if (change.n > 0) tables[{cell.model, cell.task, cell.group}].push_back(&change);
  for (const auto& [name, changes] : tables) {
    std::vector<double> p;
    for (const Change* change : changes) p.push_back(change->p);
    const std::vector<double> corrected = holm(p);
    for (std::size_t i = 0; i < changes.size(); ++i) changes[i]->holm_p = corrected[i];
  }
}

}  // namespace detail

/// Scores each cell of a run and compares it with the base of its group, in the order in which the records have them.
/// Throws Error for an unknown task and for a record that lacks one of its metrics.
inline std::vector<CellResult> score_cells(const TaskRegistry& registry, std::span<const Record> records) {
  struct Graded {
    CellResult cell;
    std::map<std::size_t, Grade> grades = {};  // by index
  };
  using Name = std::tuple<std::string, std::string, std::string, CellName>;
  std::vector<Graded> all;
  std::map<Name, std::size_t> places;
  for (const Record& r : records) {
    const auto [place, is_new] = places.try_emplace({r.model, r.task, r.sample.task, r.cell()}, all.size());
    if (is_new) all.push_back({{r.model, r.task, r.sample.task, r.cell()}});
    auto& [cell, grades] = all[place->second];
    cell.ratio += r.ratio;
    if (r.state == kNotApplicable) {
      ++cell.not_applicable;
      continue;
    }
    grades.emplace(r.index, detail::grade_of(r, registry.at(r.task)));
    cell.kept_bytes += static_cast<double>(r.kept_bytes);
    cell.full_bytes += static_cast<double>(r.full_bytes);
  }
  std::vector<CellResult> results;
  for (auto& [cell, by_index] : all) {
    const auto base = places.find({cell.model, cell.task, cell.group, CellName{std::string(kNoPress)}});
    std::vector<Grade> grades, paired, base_paired;
    for (const auto& [index, grade] : by_index) {
      grades.push_back(grade);
      if (base == places.end()) continue;
      const auto& base_grades = all[base->second].grades;
      const auto other = base_grades.find(index);
      if (other == base_grades.end()) continue;
      paired.push_back(grade);
      base_paired.push_back(other->second);
    }
    const Scorer scorer(registry.at(cell.task));
    CellResult result = cell;
    const auto records_of_it = static_cast<double>(by_index.size() + cell.not_applicable);
    result.ratio = cell.cell.budget.empty() ? cell.cell.ratio : cell.ratio / records_of_it;
    result.score = scorer.score(grades);
    if (!cell.is_base() && !paired.empty()) result.changes = scorer.compare(paired, base_paired);
    result.kept_bytes /= static_cast<double>(grades.size());
    result.full_bytes /= static_cast<double>(grades.size());
    results.push_back(std::move(result));
  }
  detail::correct_for_the_grid(results);
  return results;
}

}  // namespace kvx::inline v0
