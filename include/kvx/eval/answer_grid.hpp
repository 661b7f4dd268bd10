#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
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
#include <optional>
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

/// What a batch may use.
struct BatchLimits {
  Index sequences = 64;
  std::size_t bytes = 0;  ///< for the caches of cells, the tails of sequences and the rows in flight
  bool draft = true;      ///< whether the answers of the cell without a press are drafts of the others
};

namespace detail {

/// One continuous batch over a context's cells: jobs enter while the memory lasts, and leave as soon as they are
/// answered. The answers of the cell without a press are kept as drafts of other cells' answers.
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
        if (context_.is_base(it->job.cell)) drafts_[it->job.question] = it->answer;
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
    std::span<const Token> draft = {};  // none once the answer has left it
    Index proposed = kFirstProposal;    // tokens of the draft to feed at a time
    std::vector<Token> fed = {};        // the question or the last token, then proposals
  };
  struct OpenCell {
    std::size_t waiting = 0;  // jobs that are not answered yet
    std::optional<SequenceCache> start = {};
  };

  const Question& question(const GridJob& job) const { return questions_[job.question]; }

  /// Rows of a sequence's tail at its longest.
  Index tail_rows(const GridJob& job) const {
    const auto tokens = static_cast<Index>(question(job).tokens.size());
    return std::min(tokens + question(job).max_new_tokens, model_.config().max_positions - context_.tokens() + 1);
  }

  /// A sequence's tail at its longest, and its rows between the matrices.
  std::size_t sequence_bytes(const GridJob& job) const {
    const ModelConfig& config = model_.config();
    const auto tokens = static_cast<Index>(question(job).tokens.size()) + (limits_.draft ? kMostProposed : 0);
    const Index wide = 3 * config.hidden_size + 2 * (config.heads + config.kv_heads) * config.head_dim;
    const CacheShape& shape = context_.shape();
    return static_cast<std::size_t>(tail_rows(job) * shape.layers * shape.kv_heads) * shape.row_bytes() +
           static_cast<std::size_t>(tokens * wide + config.vocab_size) * sizeof(float);
  }

  bool admit(const GridJob& job) {
    if (static_cast<Index>(active_.size()) >= limits_.sequences) return false;
    OpenCell& cell = cells_[job.cell];
    const std::size_t sequence = sequence_bytes(job) + context_.own_bytes(job.cell),
                      cache = cell.start ? 0 : context_.bytes(job.cell);
    if (used_ + sequence + cache > limits_.bytes) {
      if (!active_.empty()) return false;
      throw Error("memory", "expected at least " + std::to_string(used_ + sequence + cache) +
                                " bytes for one cell with one question, found " + std::to_string(limits_.bytes));
    }
    if (!cell.start) cell.start = context_.start(job.cell);
    used_ += sequence + cache;
    Active active{job, *cell.start, {}, sequence};
    for (Index l = 0; l < context_.shape().layers; ++l)
      for (HeadCache& head : active.sequence.tail.layer(l)) head.reserve(tail_rows(job));
    active.answer.reserve(static_cast<std::size_t>(question(job).max_new_tokens));
    if (const auto draft = drafts_.find(job.question); draft != drafts_.end()) active.draft = draft->second;
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
    Index rows = 0;
    steps_.clear();
    for (Active& active : active_) {
      const Index proposals = feed(active);
      steps_.push_back({&active.sequence, active.fed, 1 + proposals});
      rows += static_cast<Index>(active.fed.size());
    }
    const auto hidden = forward_hidden(model_, steps_, work_, threads_);
    // The rows whose logits are wanted: each sequence's last, and those of its proposals before that.
    ends_.clear();
    Index end = 0;
    for (const Step& step : steps_) {
      end += static_cast<Index>(step.tokens.size());
      for (Index row = end - step.steps; row < end; ++row) ends_.push_back(row);
    }
    predicted_.clear();
    for (std::size_t first = 0; first < ends_.size(); first += kLogitRows) predict(hidden, first);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    auto predicted = predicted_.begin();
    auto step = steps_.begin();
    for (Active& active : active_) {
      active.seconds += took.count() * static_cast<double>(step->tokens.size()) / static_cast<double>(rows);
      take(active, {predicted, static_cast<std::size_t>(step->steps)});
      predicted += step->steps;
      ++step;
    }
  }

  /// Sets what the next step feeds, and returns how many proposals are at its end.
  Index feed(Active& active) const {
    const bool asks = active.answer.empty();
    const std::span<const Token> pending =
        asks ? std::span<const Token>(question(active.job).tokens) : std::span(active.answer).last(1);
    active.fed.assign(pending.begin(), pending.end());
    const auto answered = static_cast<Index>(active.answer.size()), tokens = static_cast<Index>(pending.size());
    Index count =
        std::min({active.proposed, static_cast<Index>(active.draft.size()) - answered,
                  question(active.job).max_new_tokens - answered - 1,
                  model_.config().max_positions - static_cast<Index>(active.sequence.next_position) - tokens});
    if (const auto& observer = active.sequence.observer)
      count = std::min(count, observer->steps_left(active.sequence, tokens) - 1);
    if (count <= 0) return 0;
    const auto proposals = active.draft.subspan(static_cast<std::size_t>(answered), static_cast<std::size_t>(count));
    active.fed.insert(active.fed.end(), proposals.begin(), proposals.end());
    return count;
  }

  /// The most likely tokens after the next rows of ends_.
  void predict(MatrixView<float> hidden, std::size_t first) {
    const std::size_t count = std::min(kLogitRows, ends_.size() - first);
    auto rows = work_.ends.rows(static_cast<Index>(count), hidden.cols());
    for (std::size_t i = 0; i < count; ++i) rows.row(static_cast<Index>(i)) = hidden.row(ends_[first + i]);
    const auto logits = model_.logits(read_only(rows), work_, threads_);
    for (Index i = 0; i < logits.rows(); ++i)
      predicted_.push_back(greedy_({logits.row(i).data(), static_cast<std::size_t>(logits.cols())}));
  }

  /// Appends to an answer what is predicted as far as the proposals were right, and takes back the others' rows.
  void take(Active& active, std::span<const Token> predicted) const {
    const auto proposals = std::span(active.fed).last(predicted.size() - 1);
    std::size_t right = 0;
    for (;; ++right) {
      active.answer.push_back(predicted[right]);
      if (finished(active, proposals.size() - right) || right == proposals.size() ||
          predicted[right] != proposals[right])
        break;
    }
    const std::size_t wrong = proposals.size() - right;
    if (wrong > 0) active.sequence.take_back(static_cast<Index>(wrong));
    const std::size_t answered = active.answer.size();
    if (answered > active.draft.size() || active.answer.back() != active.draft[answered - 1]) active.draft = {};
    active.proposed = std::min(2 * active.proposed, kMostProposed);
  }

  /// `untaken` tokens of the last step will be taken back.
  bool finished(const Active& active, std::size_t untaken = 0) const {
    return static_cast<Index>(active.answer.size()) >= question(active.job).max_new_tokens ||
           active.sequence.next_position - static_cast<Position>(untaken) == model_.config().max_positions ||
           model_.config().is_stop(active.answer.back());
  }

  static constexpr Index kFirstProposal = 4, kMostProposed = 16;
  static constexpr std::size_t kLogitRows = 64;  // as many rows of logits are there at a time

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
  std::map<std::size_t, std::vector<Token>> drafts_;  // by question
  std::vector<Index> ends_;
  std::vector<Token> predicted_;
  std::size_t used_ = 0;
};

}  // namespace detail

/// Answers questions from a context's cells, greedily and in one continuous batch. Jobs are taken in their order, so
/// those of one cell should follow each other. With drafts those of the cell without a press come first, and the tokens
/// of its answers are fed to the other cells several at a time, for as long as these would have chosen the same. Calls
/// on_answer(GridJob, tokens, seconds) as each is done; an answer is the same tokens whatever else is in the batch, and
/// with drafts or without. The seconds are its share of the steps that it was in, by rows.
/// Throws Error when the memory does not hold one cell with one question.
template <class OnAnswer>
void answer_grid(const Qwen2& model, const ScoredContext& context, std::span<const Question> questions,
                 std::span<const GridJob> jobs, const BatchLimits& limits, Threads& threads, OnAnswer&& on_answer) {
  detail::GridBatch batch(model, context, questions, limits, threads);
  if (!limits.draft) return batch.run(jobs, on_answer);
  std::vector<GridJob> order(jobs.begin(), jobs.end());
  const auto others =
      std::stable_partition(order.begin(), order.end(), [&](const GridJob& job) { return context.is_base(job.cell); });
  batch.run({order.begin(), others}, on_answer);
  batch.run({others, order.end()}, on_answer);
}

}  // namespace kvx::inline v0
