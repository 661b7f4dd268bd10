#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>

#include <cstddef>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <tuple>

namespace kvx::inline v0 {

/// The compression ratios that all tables show for cells with a budget: the mean over the answers of a model, task and
/// cell, or NaN, an unknown ratio, if the press can serve none of the samples. A cell without a budget keeps its own
/// ratio, which is its setting.
class CellRatios {
 public:
  CellRatios() = default;
  explicit CellRatios(std::span<const Record> records) {
    for (const Record& record : records) {
      if (record.budget.empty()) continue;
      const std::string task = data_label(record.task, record.sample.task);
      if (record.grade.state != kNotApplicable)
        add(record.model, task, record.cell());
      else
        (void)sums_[{record.model, task, record.cell()}];
    }
  }

  /// Counts one more answer. cell.ratio is the ratio in the answer's context; `task` is the label that data_label()
  /// returns.
  void add(const std::string& model, const std::string& task, const CellName& cell) {
    if (cell.budget.empty()) return;
    Sum& sum = sums_[{model, task, cell}];
    sum.ratios += cell.ratio;
    ++sum.answers;
  }
  /// Takes over the ratios that `others` knows.
  void replace(const CellRatios& others) {
    for (const auto& [cell, sum] : others.sums_) {
      Sum& own = sums_[cell];
      if (sum.answers > 0) own = sum;
    }
  }

  /// The cell with its mean ratio; unchanged if no ratio is known for it.
  CellName settled(const std::string& model, const std::string& task, CellName cell) const {
    if (const auto found = sums_.find({model, task, cell}); found != sums_.end())
      cell.ratio = found->second.answers == 0 ? std::numeric_limits<double>::quiet_NaN()
                                              : found->second.ratios / static_cast<double>(found->second.answers);
    return cell;
  }
  /// The record's cell, with the mean ratio if it has a budget.
  CellName cell_of(const Record& record) const {
    if (record.budget.empty()) return record.cell();
    return settled(record.model, data_label(record.task, record.sample.task), record.cell());
  }

 private:
  struct Sum {
    double ratios = 0;
    std::size_t answers = 0;
  };
  std::map<std::tuple<std::string, std::string, CellName>, Sum> sums_;  // by model, task and cell
};

}  // namespace kvx::inline v0
