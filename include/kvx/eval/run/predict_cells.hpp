#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/cache/growth.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/run/grid_batch.hpp>
#include <kvx/eval/run/not_applicable.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Predicts the tokens of prompts from the cells of a context, and calls on_grade(job, Grade) for each of the jobs. A
/// job's question is an index into `prompts`. As many cells run together as fit into `memory` bytes, next to the
/// uncompressed cache, with which they are compared.
template <class F>
void predict_cells(const Decoder& model, const ScoredContext& scored, std::span<const Prompt> prompts,
                   std::span<const GridJob> jobs, const AnyTask& task, std::size_t memory, Threads& threads,
                   F&& on_grade) {
  std::size_t longest = 0;
  for (const Prompt& prompt : prompts) longest = std::max(longest, prompt.tokens.size());
  const auto rows = static_cast<Index>(longest);
  const CacheShape& shape = scored.shape();
  const std::size_t full_tail =
      static_cast<std::size_t>(detail::grown_rows(rows) * shape.layers * shape.kv_heads) * shape.row_bytes();
  std::map<std::size_t, std::vector<GridJob>> by_cell;
  for (const GridJob& job : jobs) by_cell[job.cell].push_back(job);
  while (!by_cell.empty()) {
    std::map<std::size_t, SequenceCache> starts;              // by cell
    std::map<std::size_t, std::vector<GridJob>> by_question;  // the jobs of those cells
    std::size_t bytes = 2 * full_tail;
    for (auto cell = by_cell.begin(); cell != by_cell.end(); cell = by_cell.erase(cell)) {
      bytes += scored.bytes(cell->first) + scored.own_bytes(cell->first) + scored.growth_bytes(cell->first, rows);
      if (bytes > memory && !starts.empty()) break;
      starts.emplace(cell->first, scored.start(cell->first));
      for (const GridJob& job : cell->second) by_question[job.question].push_back(job);
    }
    for (const auto& [question, question_jobs] : by_question) {
      const Prompt& prompt = prompts[question];
      std::vector<SequenceCache> sequences = {scored.full_start()};
      for (const GridJob& job : question_jobs) sequences.push_back(starts.at(job.cell));
      const auto likelihoods = suffix_likelihood(model, sequences, prompt.tokens, threads);
      for (std::size_t j = 0; j < question_jobs.size(); ++j) {
        if (const NotApplicable* const failure = sequences[j + 1].failure()) {
          on_grade(question_jobs[j], not_applicable(task, failure->what()));
          continue;
        }
        std::vector<double> nll, kl;
        std::size_t same_top = 0;
        for (const TokenLikelihood& token : std::span(likelihoods[j + 1]).subspan(prompt.given - 1)) {
          nll.push_back(token.nll);
          kl.push_back(token.kl);
          same_top += token.same_top;
        }
        on_grade(question_jobs[j], task.predicted(nll, std::move(kl), same_top));
      }
    }
  }
}

}  // namespace kvx::inline v0
