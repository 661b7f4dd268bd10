#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace kvx::inline v0 {

/// Values that a table gathers from records, for each model, task, group of samples and cell.
template <class Values>
class CellGroups {
 public:
  /// The values of one cell.
  struct Group {
    std::string model, task, samples;  ///< samples: the column `task` of the samples
    CellName cell;                     ///< with its mean ratio (CellRatios)
    Values values = {};

    std::string label() const { return data_label(task, samples); }
  };

  /// Has no groups yet. The ratios of cells are the means over `records`.
  explicit CellGroups(std::span<const Record> records) : ratios_(records) {}

  /// The values of the record's cell, which is added if it is new.
  Values& of(const Record& record) {
    const CellName cell = ratios_.cell_of(record);
    const auto [place, is_new] =
        places_.try_emplace({record.model, record.task, record.sample.task, cell}, groups_.size());
    if (is_new) groups_.push_back({record.model, record.task, record.sample.task, cell});
    return groups_[place->second].values;
  }

  /// The groups, in the order in which they were added.
  const std::vector<Group>& all() const { return groups_; }

  /// The values of the base of the same model, task and samples, or null if there are none.
  const Values* base_of(const Group& group) const {
    const auto base = places_.find({group.model, group.task, group.samples, CellName::base()});
    return base == places_.end() ? nullptr : &groups_[base->second].values;
  }

 private:
  CellRatios ratios_;
  std::vector<Group> groups_;
  std::map<std::tuple<std::string, std::string, std::string, CellName>, std::size_t> places_;
};

}  // namespace kvx::inline v0
