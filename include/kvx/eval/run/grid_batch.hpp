#pragma once

#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/model/working_memory.hpp>
#include <kvx/model/workspace.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// What follows a context: the question's tokens, how long its answer may get, and how its tokens are chosen.
struct Question {
  std::vector<Token> tokens;
  Index max_new_tokens;
  SamplerOptions sampler = {};  ///< the seed is that of the first attempt, which the next ones count up
};

/// One question to be answered from one cell.
struct GridJob {
  std::size_t cell, question;
  std::size_t attempt = 0;
};

/// An answer as it left the batch.
struct GridAnswer {
  std::span<const Token> tokens;
  std::span<const double>
      entropy;     ///< nats, of the model's distribution before each token; empty unless the limits want it
  double seconds;  ///< its share, by rows, of the time of the steps that it was in
  const NotApplicable* failure = nullptr;  ///< why the press could not go on; if not null, there is no answer
};

/// A context whose cells are to answer. Jobs are taken in their order, so those of one cell should follow each other.
struct GridContext {
  ScoredContext scored;
  std::vector<Question> questions;
  std::vector<GridJob> jobs;                                         ///< at least one
  std::function<void(const GridJob&, const GridAnswer&)> on_answer;  ///< takes each answer as it is done
};

/// What a batch may use.
struct BatchLimits {
  Index sequences = 64;
  std::size_t bytes = 0;  ///< for contexts, the caches of their cells, the tails of sequences and the rows in flight
  bool draft = false;     ///< whether a context's answers without a press are drafts of its other cells' answers
  bool entropy = false;   ///< whether answers are to have it
};

/// Answers questions from the cells of any number of contexts in one continuous batch: jobs enter while the limits
/// allow it and leave as soon as they are answered, a context goes with the last of its jobs. An answer is the same
/// tokens whatever else is in the batch. With drafts the cell without a press answers first, and its tokens are fed to
/// the context's other cells several at a time, for as long as these would have chosen the same: the answers are those
/// without.
class GridBatch {
 public:
  GridBatch(const Decoder& model, const BatchLimits& limits, Threads& threads)
      : model_(model), limits_(limits), threads_(threads) {}

  /// Decodes until all jobs of the context have entered the batch. Throws Error when the memory does not hold one cell
  /// with one question.
  void add(GridContext added) {
    contexts_.emplace_back(std::move(added));
    Context& context = contexts_.back();
    used_ += context.bytes;
    for (const GridJob& job : context.of.jobs) {
      ++context.cells[job.cell].waiting;
      ++context.waiting;
      context.base_waiting += context.of.scored.is_base(job.cell);
    }
    if (limits_.draft)
      std::stable_partition(context.of.jobs.begin(), context.of.jobs.end(),
                            [&](const GridJob& job) { return context.of.scored.is_base(job.cell); });
    for (auto job = context.of.jobs.begin(); job != context.of.jobs.end();)
      if (admit(context, *job))
        ++job;
      else
        step();
  }

  bool empty() const { return active_.empty(); }

  /// Sets what an empty batch may use from now on, and gives back the memory that it worked in.
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
    explicit Context(GridContext context) : of(std::move(context)), bytes(of.scored.context_bytes()) {}
    GridContext of;
    std::size_t bytes;
    std::map<std::size_t, OpenCell> cells = {};
    std::map<std::size_t, std::vector<Token>> drafts = {};  // by question
    std::size_t waiting = 0, base_waiting = 0;              // jobs that are not answered yet
  };
  struct Active {
    Context* context;
    GridJob job;
    SequenceCache sequence;
    Sampler sampler;
    std::size_t bytes;
    std::vector<Token> answer = {};
    std::vector<double> entropy = {};
    double seconds = 0;
    std::span<const Token> draft = {};  // none once the answer has left it
    Index proposed = kFirstProposal;    // tokens of the draft to feed at a time
    std::vector<Token> fed = {};        // the question or the last token, then proposals

    const Question& question() const { return context->of.questions[job.question]; }
  };

  struct End {
    Index row;
    Sampler* sampler;  // greedy where it has several rows
  };
  struct Predicted {
    Token token;
    double entropy;  // of what it was chosen from, where that is wanted
  };

  /// Rows of a sequence's tail at its longest.
  Index tail_rows(const Context& context, const Question& question) const {
    const auto tokens = static_cast<Index>(question.tokens.size());
    return std::min(tokens + question.max_new_tokens, model_.config().max_positions - context.of.scored.tokens() + 1);
  }

  /// Bytes that a sequence of a cell does not share, at its greatest length, including its rows of activations.
  std::size_t sequence_bytes(const Context& context, std::size_t cell, const Question& question) const {
    const auto tokens = static_cast<Index>(question.tokens.size()) + (limits_.draft ? kMostProposed : 0);
    const ScoredContext& scored = context.of.scored;
    return scored.own_bytes(cell) + scored.growth_bytes(cell, tail_rows(context, question)) +
           step_bytes(model_.config(), tokens);
  }

  bool admit(Context& context, const GridJob& job) {
    const ScoredContext& scored = context.of.scored;
    if (static_cast<Index>(active_.size()) >= limits_.sequences) return false;
    if (limits_.draft && context.base_waiting > 0 && !scored.is_base(job.cell)) return false;
    const Question& question = context.of.questions[job.question];
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
    Active& active = active_.emplace_back(Active{&context, job, *cell.start, Sampler(sampler), sequence});
    active.answer.reserve(static_cast<std::size_t>(tail_rows(context, question)));
    const auto draft = context.drafts.find(job.question);
    if (draft != context.drafts.end() && sampler.temperature == 0) active.draft = draft->second;
    return true;
  }

  /// Hands an answer over, and gives back what it took.
  void leave(Active& active) {
    Context& context = *active.context;
    const GridJob job = active.job;
    used_ -= active.bytes;
    if (OpenCell& cell = context.cells[job.cell]; --cell.waiting == 0) {
      used_ -= context.of.scored.bytes(job.cell);
      context.cells.erase(job.cell);
    }
    context.of.on_answer(job, {active.answer, active.entropy, active.seconds, active.sequence.failure()});
    if (context.of.scored.is_base(job.cell)) {
      --context.base_waiting;
      if (limits_.draft) context.drafts.emplace(job.question, std::move(active.answer));
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
      const Index proposals = feed(active);
      steps_.push_back({&active.sequence, active.fed, 1 + proposals});
      rows += static_cast<Index>(active.fed.size());
    }
    const auto hidden = forward_hidden(model_, steps_, work_, threads_);
    // The rows whose logits are wanted: each sequence's last, and those of its proposals before that.
    ends_.clear();
    Index end = 0;
    auto of = active_.begin();
    for (const Step& step : steps_) {
      end += static_cast<Index>(step.tokens.size());
      for (Index row = end - step.steps; row < end; ++row) ends_.push_back({row, &of->sampler});
      ++of;
    }
    predicted_.resize(ends_.size());
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
    for (auto it = active_.begin(); it != active_.end();) {
      if (!finished(*it)) {
        ++it;
        continue;
      }
      leave(*it);
      it = active_.erase(it);
    }
  }

  /// Sets what the next step feeds, and returns how many proposals are at its end.
  Index feed(Active& active) const {
    const bool asks = active.answer.empty();
    const std::span<const Token> pending =
        asks ? std::span<const Token>(active.question().tokens) : std::span(active.answer).last(1);
    active.fed.assign(pending.begin(), pending.end());
    const auto answered = static_cast<Index>(active.answer.size()), tokens = static_cast<Index>(pending.size());
    Index count =
        std::min({active.proposed, static_cast<Index>(active.draft.size()) - answered,
                  active.question().max_new_tokens - answered - 1,
                  model_.config().max_positions - static_cast<Index>(active.sequence.next_position) - tokens});
    if (const auto& observer = active.sequence.observer)
      count = std::min(count, observer->steps_left(active.sequence, tokens) - 1);
    if (count <= 0) return 0;
    const auto proposals = active.draft.subspan(static_cast<std::size_t>(answered), static_cast<std::size_t>(count));
    active.fed.insert(active.fed.end(), proposals.begin(), proposals.end());
    return count;
  }

  /// The tokens after the next rows of ends_.
  void predict(MatrixView<float> hidden, std::size_t first) {
    const std::size_t count = std::min(kLogitRows, ends_.size() - first);
    auto rows = work_.ends.rows(static_cast<Index>(count), hidden.cols());
    for (std::size_t i = 0; i < count; ++i) rows.row(static_cast<Index>(i)) = hidden.row(ends_[first + i].row);
    const auto logits = model_.logits(read_only(rows), work_, threads_, [&](Index row) {
      return detail::place_in_batch(work_, ends_[first + static_cast<std::size_t>(row)].row);
    });
    threads_.parallel_for(logits.rows(), 1, [&](Index from, Index to) {
      for (Index i = from; i < to; ++i) {
        const std::size_t at = first + static_cast<std::size_t>(i);
        const std::span<const float> row(logits.row(i).data(), static_cast<std::size_t>(logits.cols()));
        predicted_[at] = {(*ends_[at].sampler)(row), limits_.entropy ? entropy(row) : 0};
      }
    });
  }

  /// Appends to an answer what is predicted as far as the proposals were right, and takes back the others' rows.
  void take(Active& active, std::span<const Predicted> predicted) const {
    const auto proposals = std::span(active.fed).last(predicted.size() - 1);
    std::size_t right = 0;
    for (;; ++right) {
      active.answer.push_back(predicted[right].token);
      if (limits_.entropy) active.entropy.push_back(predicted[right].entropy);
      if (finished(active, proposals.size() - right) || right == proposals.size() ||
          predicted[right].token != proposals[right])
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
    return active.sequence.failure() != nullptr ||
           static_cast<Index>(active.answer.size()) >= active.question().max_new_tokens ||
           active.sequence.next_position - static_cast<Position>(untaken) == model_.config().max_positions ||
           model_.config().is_stop(active.answer.back());
  }

  static constexpr Index kFirstProposal = 4, kMostProposed = 16;
  static constexpr std::size_t kLogitRows = 64;  // as many rows of logits are there at a time

  const Decoder& model_;
  BatchLimits limits_;
  Threads& threads_;
  Workspace work_;
  std::vector<Step> steps_;
  std::list<Context> contexts_;
  std::list<Active> active_;
  std::vector<End> ends_;
  std::vector<Predicted> predicted_;
  std::size_t used_ = 0;
};

}  // namespace kvx::inline v0
