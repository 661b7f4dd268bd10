#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/scored_context.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/qwen2.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What follows a context: the question's tokens, and how long its answer may get.
struct Question {
  std::vector<Token> tokens;
  Index max_new_tokens;
};

/// One question to be answered from one cell.
struct GridJob {
  std::size_t cell, question;
};

/// What a batch may use at a time.
struct BatchLimits {
  Index sequences = 64;
  std::size_t bytes = 0;  ///< for the caches of cells, the tails of sequences and the rows in flight
};

namespace detail {

/// One continuous batch over a context's cells: jobs enter while the memory lasts, and leave as soon as they are
/// answered.
class GridBatch {
 public:
  GridBatch(const Qwen2& model, const ScoredContext& context, std::span<const Question> questions,
            const BatchLimits& limits, Threads& threads)
      : model_(model), context_(context), questions_(questions), limits_(limits), threads_(threads) {}

  template <class OnAnswer>
  void run(std::span<const GridJob> jobs, OnAnswer&& on_answer) {
    for (const GridJob& job : jobs) ++cells_[job.cell].waiting;
    std::size_t next = 0;
    while (next < jobs.size() || !active_.empty()) {
      while (next < jobs.size() && admit(jobs[next])) ++next;
      step();
      for (auto it = active_.begin(); it != active_.end();) {
        if (!finished(*it)) {
          ++it;
          continue;
        }
        on_answer(it->job, std::span<const Token>(it->answer), it->seconds);
        leave(it->job.cell, it->bytes);
        it = active_.erase(it);
      }
    }
  }

 private:
  struct Active {
    GridJob job;
    SequenceCache sequence;
    std::vector<Token> answer;
    std::size_t bytes;
    double seconds = 0;
  };
  struct OpenCell {
    std::size_t waiting = 0;  // jobs that are not answered yet
    std::shared_ptr<const KvCache> cache = nullptr;
  };

  const Question& question(const GridJob& job) const { return questions_[job.question]; }

  /// Rows of a sequence's tail at its longest.
  Index tail_rows(const GridJob& job) const {
    const auto tokens = static_cast<Index>(question(job).tokens.size());
    return std::min(tokens + question(job).max_new_tokens,
                    model_.config().max_positions - static_cast<Index>(context_.next_position()) + 1);
  }

  /// A sequence's tail at its longest, and its rows between the matrices.
  std::size_t sequence_bytes(const GridJob& job) const {
    const ModelConfig& config = model_.config();
    const auto tokens = static_cast<Index>(question(job).tokens.size());
    const Index wide = 3 * config.hidden_size + 2 * (config.heads + config.kv_heads) * config.head_dim;
    const CacheShape& shape = context_.shape();
    return static_cast<std::size_t>(tail_rows(job) * shape.layers * shape.kv_heads) * shape.row_bytes() +
           static_cast<std::size_t>(tokens * wide + config.vocab_size) * sizeof(float);
  }

  bool admit(const GridJob& job) {
    if (static_cast<Index>(active_.size()) >= limits_.sequences) return false;
    OpenCell& cell = cells_[job.cell];
    const std::size_t sequence = sequence_bytes(job), cache = cell.cache ? 0 : context_.bytes(job.cell);
    if (used_ + sequence + cache > limits_.bytes) {
      if (!active_.empty()) return false;
      throw Error("memory", "expected at least " + std::to_string(used_ + sequence + cache) +
                                " bytes for one cell with one question, found " + std::to_string(limits_.bytes));
    }
    if (!cell.cache) cell.cache = context_.compact(job.cell);
    used_ += sequence + cache;
    Active active{job, SequenceCache(cell.cache, context_.shape(), context_.next_position()), {}, sequence};
    for (Index l = 0; l < context_.shape().layers; ++l)
      for (HeadCache& head : active.sequence.tail.layer(l)) head.reserve(tail_rows(job));
    active.answer.reserve(static_cast<std::size_t>(question(job).max_new_tokens));
    active_.push_back(std::move(active));
    return true;
  }

  void leave(std::size_t index, std::size_t bytes) {
    used_ -= bytes;
    OpenCell& cell = cells_[index];
    if (--cell.waiting > 0) return;
    used_ -= context_.bytes(index);
    cells_.erase(index);
  }

  void step() {
    const auto start = std::chrono::steady_clock::now();
    std::size_t rows = 0;
    steps_.clear();
    for (Active& active : active_)
      steps_.push_back(active.answer.empty() ? Step{&active.sequence, question(active.job).tokens}
                                             : Step{&active.sequence, {&active.answer.back(), 1}});
    for (const Step& taken : steps_) rows += taken.tokens.size();
    const auto logits = forward(model_, steps_, work_, threads_);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Index row = 0;
    for (Active& active : active_) {
      const std::size_t tokens = steps_[static_cast<std::size_t>(row)].tokens.size();
      active.seconds += took.count() * static_cast<double>(tokens) / static_cast<double>(rows);
      active.answer.push_back(greedy_({logits.row(row).data(), static_cast<std::size_t>(logits.cols())}));
      ++row;
    }
  }

  bool finished(const Active& active) const {
    return static_cast<Index>(active.answer.size()) >= question(active.job).max_new_tokens ||
           active.sequence.next_position == model_.config().max_positions ||
           model_.config().is_stop(active.answer.back());
  }

  const Qwen2& model_;
  const ScoredContext& context_;
  std::span<const Question> questions_;
  BatchLimits limits_;
  Threads& threads_;
  Sampler greedy_{SamplerOptions{}};
  Workspace work_;
  std::vector<Step> steps_;
  std::list<Active> active_;
  std::map<std::size_t, OpenCell> cells_;
  std::size_t used_ = 0;
};

}  // namespace detail

/// Answers questions from a context's cells, greedily and in one continuous batch. Jobs are taken in their order, so
/// those of one cell should follow each other. Calls on_answer(GridJob, tokens, seconds) as each is done; an answer is
/// the same tokens whatever else is in the batch. The seconds are its share of the steps that it was in, by rows.
/// Throws Error when the memory does not hold one cell with one question.
template <class OnAnswer>
void answer_grid(const Qwen2& model, const ScoredContext& context, std::span<const Question> questions,
                 std::span<const GridJob> jobs, const BatchLimits& limits, Threads& threads, OnAnswer&& on_answer) {
  detail::GridBatch(model, context, questions, limits, threads).run(jobs, on_answer);
}

}  // namespace kvx::inline v0
