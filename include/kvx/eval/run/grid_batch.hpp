#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/run/grid_job.hpp>
#include <kvx/eval/run/growing_answer.hpp>
#include <kvx/eval/run/predict_tokens.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/working_memory.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Answers questions from the cells of any number of contexts in one continuous batch. Jobs enter while the limits
/// allow it and leave as soon as they are answered; a context is freed with the last of its jobs. An answer has the
/// same tokens whatever else is in the batch. With drafts, the base (the cell without a press) answers first. Its
/// tokens are fed to the context's other cells several at a time, as long as these choose the same tokens. The answers
/// are the same as without drafts.
class GridBatch {
 public:
  GridBatch(const Decoder& model, const BatchLimits& limits, Threads& threads)
      : model_(model), limits_(limits), threads_(threads) {}

  /// Decodes until all jobs of the context have entered the batch. Throws Error if the memory is too small for one cell
  /// with one question.
  void add(GridContext added) {
    contexts_.emplace_back(std::move(added));
    Context& context = contexts_.back();
    used_ += context.bytes;
    for (const GridJob& job : context.input.jobs) {
      ++context.cells[job.cell].waiting;
      ++context.waiting;
      context.base_waiting += context.input.scored.is_base(job.cell);
    }
    if (limits_.draft)
      std::stable_partition(context.input.jobs.begin(), context.input.jobs.end(),
                            [&](const GridJob& job) { return context.input.scored.is_base(job.cell); });
    for (auto job = context.input.jobs.begin(); job != context.input.jobs.end();)
      if (admit(context, *job))
        ++job;
      else
        step();
  }

  bool empty() const { return active_.empty(); }

  /// Sets the memory limit of an empty batch, and frees its working memory.
  void restart(std::size_t bytes) {
    limits_.bytes = bytes;
    work_ = {};
  }

  /// Decodes until `bytes` are free, or all jobs are answered.
  void make_room(std::size_t bytes) {
    while (!active_.empty() && used_ + bytes > limits_.bytes) step();
  }

  /// Decodes until all jobs are answered.
  void finish() {
    while (!active_.empty()) step();
  }

 private:
  struct OpenCell {
    std::size_t waiting = 0;  // jobs that are not answered yet
    std::optional<SequenceCache> start = {};
  };
  struct Context {
    explicit Context(GridContext context) : input(std::move(context)), bytes(input.scored.context_bytes()) {}
    GridContext input;
    std::size_t bytes;
    std::map<std::size_t, OpenCell> cells = {};
    std::map<std::size_t, std::vector<Token>> drafts = {};  // by question
    std::size_t waiting = 0, base_waiting = 0;              // jobs that are not answered yet
  };
  struct Active {
    Context* context;
    GridJob job;
    std::size_t bytes;
    GrowingAnswer answer;
    double seconds = 0;
  };

  /// The largest number of rows that the tail of a sequence can get.
  Index tail_rows(const Context& context, const Question& question) const {
    const auto tokens = static_cast<Index>(question.tokens.size());
    return std::min(tokens + question.max_new_tokens,
                    model_.config().max_positions - context.input.scored.tokens() + 1);
  }

  /// The bytes that a sequence of a cell has for itself at its greatest length, including its activations.
  std::size_t sequence_bytes(const Context& context, std::size_t cell, const Question& question) const {
    const auto tokens = static_cast<Index>(question.tokens.size()) + (limits_.draft ? GrowingAnswer::kMostProposed : 0);
    const ScoredContext& scored = context.input.scored;
    return scored.own_bytes(cell) + scored.growth_bytes(cell, tail_rows(context, question)) +
           step_bytes(model_.config(), tokens);
  }

  /// Adds a job to the batch. Returns false if the limits do not allow it yet.
  bool admit(Context& context, const GridJob& job) {
    const ScoredContext& scored = context.input.scored;
    if (static_cast<Index>(active_.size()) >= limits_.sequences) return false;
    if (limits_.draft && context.base_waiting > 0 && !scored.is_base(job.cell)) return false;
    const Question& question = context.input.questions[job.question];
    OpenCell& cell = context.cells[job.cell];
    const std::size_t sequence = sequence_bytes(context, job.cell, question),
                      cache = cell.start ? 0 : scored.bytes(job.cell);
    if (used_ + sequence + cache > limits_.bytes) {
      if (!active_.empty()) return false;
      throw Error("memory", "expected at least " + std::to_string(used_ + sequence + cache) +
                                " bytes for one cell with one question, found " + std::to_string(limits_.bytes));
    }
    if (!cell.start) cell.start = scored.start(job.cell);
    used_ += sequence + cache;
    SamplerOptions sampler = question.sampler;
    sampler.seed += job.attempt;
    Active& active = active_.emplace_back(
        Active{&context, job, sequence, {model_.config(), question, *cell.start, Sampler(sampler), limits_.entropy}});
    active.answer.tokens.reserve(static_cast<std::size_t>(tail_rows(context, question)));
    const auto draft = context.drafts.find(job.question);
    if (draft != context.drafts.end() && sampler.temperature == 0) active.answer.draft = draft->second;
    return true;
  }

  /// Passes on a finished answer, and frees its memory.
  void leave(Active& active) {
    Context& context = *active.context;
    const GridJob job = active.job;
    used_ -= active.bytes;
    if (OpenCell& cell = context.cells[job.cell]; --cell.waiting == 0) {
      used_ -= context.input.scored.bytes(job.cell);
      context.cells.erase(job.cell);
    }
    GrowingAnswer& answer = active.answer;
    context.input.on_answer(job, {answer.tokens, answer.entropy, active.seconds, answer.sequence.failure()});
    if (context.input.scored.is_base(job.cell)) {
      --context.base_waiting;
      if (limits_.draft) context.drafts.emplace(job.question, std::move(answer.tokens));
    }
    if (--context.waiting > 0) return;
    used_ -= context.bytes;
    contexts_.remove_if([&](const Context& other) { return &other == &context; });
  }

  void step() {
    const auto start = std::chrono::steady_clock::now();
    Index rows = 0;
    steps_.clear();
    for (Active& active : active_) {
      steps_.push_back(active.answer.next_step());
      rows += static_cast<Index>(steps_.back().tokens.size());
    }
    const auto hidden = forward_hidden(model_, steps_, work_, threads_);
    // Logits are needed for the last rows of each sequence: one row, and one more for each proposed token.
    ends_.clear();
    Index end = 0;
    auto active = active_.begin();
    for (const Step& step : steps_) {
      end += static_cast<Index>(step.tokens.size());
      for (Index row = end - step.steps; row < end; ++row) ends_.push_back({row, &active->answer.sampler});
      ++active;
    }
    predict_tokens(model_, hidden, ends_, limits_.entropy, predicted_, work_, threads_);
    const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - start;
    auto predicted = predicted_.begin();
    auto step = steps_.begin();
    for (Active& each : active_) {
      each.seconds += duration.count() * static_cast<double>(step->tokens.size()) / static_cast<double>(rows);
      each.answer.take({predicted, static_cast<std::size_t>(step->steps)});
      predicted += step->steps;
      ++step;
    }
    for (auto it = active_.begin(); it != active_.end();) {
      if (!it->answer.is_finished()) {
        ++it;
        continue;
      }
      leave(*it);
      it = active_.erase(it);
    }
  }

  const Decoder& model_;
  BatchLimits limits_;
  Threads& threads_;
  Workspace work_;
  std::vector<Step> steps_;
  std::list<Context> contexts_;
  std::list<Active> active_;
  std::vector<PredictedRow> ends_;
  std::vector<PredictedToken> predicted_;
  std::size_t used_ = 0;
};

}  // namespace kvx::inline v0
