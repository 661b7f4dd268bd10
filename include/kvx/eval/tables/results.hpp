#pragma once

#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/tables/cell_ratios.hpp>
#include <kvx/score/code_exec/pass_at_k.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/scorer.hpp>
#include <kvx/score/statistics/context_values.hpp>
#include <kvx/score/statistics/estimate_mean.hpp>
#include <kvx/score/statistics/holm.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The figures of one cell's answers to one group of samples.
struct CellResult {
  std::string model, task, group;  ///< task: the task that graded them; group: the samples' column `task`
  CellName cell = {};
  std::size_t not_applicable = 0;  ///< samples that the press cannot serve; no other figure counts them
  std::size_t hidden_metrics = 0;  ///< the number of metrics, the last ones, that only files have
  Score score = {};
  std::vector<Estimate> changes = {};     ///< from the base, on the samples that both served; empty for the base
  double kept_bytes = 0, full_bytes = 0;  ///< mean size of a context's cache, compressed and not; NaN without answers

  /// The label that data_label() returns: the group, preceded by the task if the group's name does not include it.
  std::string label() const { return data_label(task, group); }
};

namespace detail {

/// Corrects the p values of a model and group for the number of tests, over all cells and metrics. The metrics that
/// tables show and the hidden ones are corrected separately.
inline void correct_for_the_grid(std::vector<CellResult>& cells) {
  std::map<std::tuple<std::string, std::string, std::string, bool>, std::vector<Estimate*>> tables;
  for (CellResult& cell : cells)
    for (std::size_t m = 0; m < cell.changes.size(); ++m)
      if (!std::isnan(cell.changes[m].p))
        tables[{cell.model, cell.task, cell.group, m + cell.hidden_metrics < cell.changes.size()}].push_back(
            &cell.changes[m]);
  for (const auto& [name, changes] : tables) {
    std::vector<double> p;
    for (const Estimate* change : changes) p.push_back(change->p);
    const std::vector<double> corrected = holm(p);
    for (std::size_t i = 0; i < changes.size(); ++i) changes[i]->holm_p = corrected[i];
  }
}

/// One grade for all answers to a sample: the mean of each metric over the answers that it applies to, and the parts of
/// all answers.
inline Grade mean_grade(std::span<const Grade> attempts) {
  if (attempts.size() == 1) return attempts.front();
  Grade mean{attempts.front().state, std::vector<std::optional<double>>(attempts.front().metrics.size())};
  mean.cluster = attempts.front().cluster;
  for (std::size_t m = 0; m < mean.metrics.size(); ++m) {
    double sum = 0, n = 0;
    for (const Grade& grade : attempts)
      if (grade.metrics[m]) sum += *grade.metrics[m], ++n;
    if (n > 0) mean.metrics[m] = sum / n;
  }
  for (const Grade& grade : attempts) mean.parts.insert(mean.parts.end(), grade.parts.begin(), grade.parts.end());
  return mean;
}

/// pass@k for the usual k and for the largest number of answers to a sample, each over the samples with at least k
/// answers. Empty if no metric has counts_attempts, or if no sample has a second attempt.
inline std::vector<Estimate> pass_at_more(const AnyTask& task, const std::vector<std::vector<Grade>>& samples) {
  std::vector<Estimate> estimates;
  const auto metrics = task.metrics();
  const auto m = static_cast<std::size_t>(std::ranges::find(metrics, true, &Metric::counts_attempts) - metrics.begin());
  if (m == metrics.size() || samples.empty()) return estimates;
  std::size_t attempts = 1;
  for (const auto& sample : samples) attempts = std::max(attempts, sample.size());
  std::set<std::size_t> ks = {attempts};
  for (const std::size_t k : {2u, 5u, 10u, 20u, 50u, 100u})
    if (k < attempts) ks.insert(k);
  ks.erase(1);
  for (const std::size_t k : ks) {
    ContextValues passes;
    for (const auto& sample : samples) {
      std::size_t n = 0, right = 0;
      for (const Grade& grade : sample)
        if (grade.metrics[m]) ++n, right += *grade.metrics[m] == 1;
      if (n >= k) passes.add(sample.front().cluster, pass_at_k(n, right, k));
    }
    if (!passes.contexts().empty())
      estimates.push_back(estimate_mean("pass@" + std::to_string(k), passes.contexts(), passes.verdicts()));
  }
  return estimates;
}

}  // namespace detail

/// Scores each cell of a run and compares it with the base of its group, in the order of the records. If a sample was
/// answered several times, it counts once, by the mean of its answers; states count answers. Throws Error for an
/// unknown task and for a record that lacks one of its task's metrics.
inline std::vector<CellResult> score_cells(const TaskRegistry& registry, std::span<const Record> records) {
  struct Graded {
    CellResult cell;
    std::map<std::size_t, std::vector<Grade>> grades = {};  // of all attempts, by the sample's index
  };
  using Name = std::tuple<std::string, std::string, std::string, CellName>;
  std::vector<Graded> all;
  std::map<Name, std::size_t> places;
  const CellRatios ratios(records);
  for (const Record& r : records) {
    const auto [place, is_new] = places.try_emplace({r.model, r.task, r.sample.task, r.cell()}, all.size());
    if (is_new) all.push_back({{r.model, r.task, r.sample.task, ratios.cell_of(r)}});
    auto& [cell, grades] = all[place->second];
    if (r.grade.state == kNotApplicable) {
      cell.not_applicable += r.attempt == 0;
      continue;
    }
    detail::expect_values(r, registry.at(r.task));
    grades[r.index].emplace_back(r.grade).cluster = context_of(r);
    cell.kept_bytes += static_cast<double>(r.kept_bytes);
    cell.full_bytes += static_cast<double>(r.full_bytes);
  }
  std::vector<CellResult> results;
  for (auto& [cell, by_index] : all) {
    const auto base = places.find({cell.model, cell.task, cell.group, CellName::base()});
    std::vector<std::vector<Grade>> samples;
    std::vector<Grade> grades, answers, paired, base_paired;
    for (const auto& [index, attempts] : by_index) {
      samples.push_back(attempts);
      grades.push_back(detail::mean_grade(attempts));
      answers.insert(answers.end(), attempts.begin(), attempts.end());
      if (base == places.end()) continue;
      const auto& base_grades = all[base->second].grades;
      const auto base_attempts = base_grades.find(index);
      if (base_attempts == base_grades.end()) continue;
      paired.push_back(grades.back());
      base_paired.push_back(detail::mean_grade(base_attempts->second));
    }
    const AnyTask& task = registry.at(cell.task);
    const Scorer scorer(task);
    CellResult result = cell;
    result.score = scorer.score(grades);
    result.hidden_metrics = static_cast<std::size_t>(std::ranges::count(task.metrics(), false, &Metric::shown));
    if (answers.size() > grades.size()) {
      Score answer_score = scorer.score(answers);
      result.score.states = std::move(answer_score.states);
      result.score.unfinished = answer_score.unfinished;
      result.score.unfinished_share = std::move(answer_score.unfinished_share);
      result.score.as_read = answer_score.as_read;
      if (task.part_metrics().empty()) result.score.summaries = std::move(answer_score.summaries);
      for (Estimate& estimate : detail::pass_at_more(task, samples))
        result.score.summaries.push_back(std::move(estimate));
    }
    if (!cell.cell.is_base() && !paired.empty()) result.changes = scorer.compare(paired, base_paired);
    result.kept_bytes /= static_cast<double>(answers.size());
    result.full_bytes /= static_cast<double>(answers.size());
    results.push_back(std::move(result));
  }
  detail::correct_for_the_grid(results);
  return results;
}

}  // namespace kvx::inline v0
