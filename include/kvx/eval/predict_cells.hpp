#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/grid_batch.hpp>
#include <kvx/eval/prompts.hpp>
#include <kvx/eval/scored_context.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/model/qwen2.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Has the cells of a context predict what follows it, and calls on_grade(job, Grade) for each of the jobs, whose
/// questions are `prompts`. The cells of a prompt run as batches that take at most `memory` bytes, beside the
/// uncompressed cache in each, which they are compared with.
template <class F>
void predict_cells(const Qwen2& model, const ScoredContext& scored, std::span<const Prompt> prompts,
                   std::vector<GridJob> jobs, const AnyTask& task, std::size_t memory, Threads& threads, F&& on_grade) {
  std::stable_sort(jobs.begin(), jobs.end(),
                   [](const GridJob& a, const GridJob& b) { return a.question < b.question; });
  const std::size_t row =
      static_cast<std::size_t>(scored.shape().layers * scored.shape().kv_heads) * scored.shape().row_bytes();
  for (std::size_t first = 0; first < jobs.size();) {
    const Prompt& prompt = prompts[jobs[first].question];
    const std::size_t tail = row * prompt.tokens.size();
    std::vector<SequenceCache> sequences = {scored.full_start()};
    std::size_t bytes = 2 * tail, last = first;
    for (; last < jobs.size() && jobs[last].question == jobs[first].question; ++last) {
      bytes += scored.bytes(jobs[last].cell) + tail;
      if (bytes > memory && last > first) break;
      sequences.push_back(scored.start(jobs[last].cell));
    }
    const auto likelihoods = suffix_likelihood(model, sequences, prompt.tokens, threads);
    for (std::size_t j = first; j < last; ++j) {
      std::vector<double> nll, kl;
      std::size_t same_top = 0;
      for (const TokenLikelihood& token : std::span(likelihoods[j - first + 1]).subspan(prompt.given - 1)) {
        nll.push_back(token.nll);
        kl.push_back(token.kl);
        same_top += token.same_top;
      }
      on_grade(jobs[j], task.predicted(nll, std::move(kl), same_top));
    }
    first = last;
  }
}

}  // namespace kvx::inline v0
