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

/// A question about a context: its tokens, the largest number of tokens of an answer, and how these are chosen.
struct Question {
  std::vector<Token> tokens;
  Index max_new_tokens;
  SamplerOptions sampler = {};  ///< attempt i uses the seed plus i
};

/// One question to be answered from one cell.
struct GridJob {
  std::size_t cell, question;
  std::size_t attempt = 0;
};

/// A finished answer.
struct GridAnswer {
  std::span<const Token> tokens;
  /// In nats, of the model's distribution before each token. Empty unless BatchLimits::entropy.
  std::span<const double> entropy;
  double seconds;  ///< of the steps that it was in, each divided among the sequences in proportion to their rows
  const NotApplicable* failure = nullptr;  ///< why the press stopped; if not null, there is no answer
};

/// A context, and the questions to be answered from its cells. Jobs start in their order, so the jobs of one cell
/// should follow each other.
struct GridContext {
  ScoredContext scored;
  std::vector<Question> questions;
  std::vector<GridJob> jobs;                                         ///< at least one
  std::function<void(const GridJob&, const GridAnswer&)> on_answer;  ///< called with each finished answer
};

/// Limits and options of a batch.
struct BatchLimits {
  Index sequences = 64;
  std::size_t bytes = 0;  ///< for contexts, the caches of their cells, the tails of sequences and their activations
  bool draft = false;     ///< whether the base's answers are drafts for the other cells of the context
  bool entropy = false;   ///< whether answers have their entropies
};

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
    SequenceCache sequence;
    Sampler sampler;
    std::size_t bytes;
    std::vector<Token> answer = {};
    std::vector<double> entropy = {};
    double seconds = 0;
    std::span<const Token> draft = {};  // empty once the answer differs from it
    Index proposed = kFirstProposal;    // number of tokens of the draft to feed at a time
    std::vector<Token> fed = {};        // the question or the last token, then the proposed tokens

    const Question& question() const { return context->input.questions[job.question]; }
  };

  // A row after which a token is predicted.
  struct End {
    Index row;
    Sampler* sampler;  // greedy if its sequence has several rows
  };
  struct Predicted {
    Token token;
    double entropy;  // of the distribution that it was chosen from, if requested
  };

  /// The largest number of rows that the tail of a sequence can get.
  Index tail_rows(const Context& context, const Question& question) const {
    const auto tokens = static_cast<Index>(question.tokens.size());
    return std::min(tokens + question.max_new_tokens,
                    model_.config().max_positions - context.input.scored.tokens() + 1);
  }

  /// The bytes that a sequence of a cell has for itself at its greatest length, including its activations.
  std::size_t sequence_bytes(const Context& context, std::size_t cell, const Question& question) const {
    const auto tokens = static_cast<Index>(question.tokens.size()) + (limits_.draft ? kMostProposed : 0);
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
    Active& active = active_.emplace_back(Active{&context, job, *cell.start, Sampler(sampler), sequence});
    active.answer.reserve(static_cast<std::size_t>(tail_rows(context, question)));
    const auto draft = context.drafts.find(job.question);
    if (draft != context.drafts.end() && sampler.temperature == 0) active.draft = draft->second;
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
    context.input.on_answer(job, {active.answer, active.entropy, active.seconds, active.sequence.failure()});
    if (context.input.scored.is_base(job.cell)) {
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
    // Logits are needed for the last rows of each sequence: one row, and one more for each proposed token.
    ends_.clear();
    Index end = 0;
    auto sequence = active_.begin();
    for (const Step& step : steps_) {
      end += static_cast<Index>(step.tokens.size());
      for (Index row = end - step.steps; row < end; ++row) ends_.push_back({row, &sequence->sampler});
      ++sequence;
    }
    predicted_.resize(ends_.size());
    for (std::size_t first = 0; first < ends_.size(); first += kLogitRows) predict(hidden, first);
    const std::chrono::duration<double> duration = std::chrono::steady_clock::now() - start;
    auto predicted = predicted_.begin();
    auto step = steps_.begin();
    for (Active& active : active_) {
      active.seconds += duration.count() * static_cast<double>(step->tokens.size()) / static_cast<double>(rows);
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

  /// Sets the tokens that the next step feeds to a sequence. Returns the number of proposed tokens at their end.
  Index feed(Active& active) const {
    const bool is_first = active.answer.empty();
    const std::span<const Token> pending =
        is_first ? std::span<const Token>(active.question().tokens) : std::span(active.answer).last(1);
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

  /// Predicts the tokens after the rows of ends_ from `first` on, at most kLogitRows of them.
  void predict(MatrixView<float> hidden, std::size_t first) {
    const std::size_t count = std::min(kLogitRows, ends_.size() - first);
    auto rows = work_.ends.rows(static_cast<Index>(count), hidden.cols());
    for (std::size_t i = 0; i < count; ++i) rows.row(static_cast<Index>(i)) = hidden.row(ends_[first + i].row);
    const auto logits = model_.logits(read_only(rows), work_, threads_, [&](Index row) {
      return detail::place_in_batch(work_, ends_[first + static_cast<std::size_t>(row)].row);
    });
    threads_.parallel_for(logits.rows(), 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const std::size_t at = first + static_cast<std::size_t>(i);
        const std::span<const float> row(logits.row(i).data(), static_cast<std::size_t>(logits.cols()));
        predicted_[at] = {(*ends_[at].sampler)(row), limits_.entropy ? entropy(row) : 0};
      }
    });
  }

  /// Appends predicted tokens to an answer, up to and including the first one that differs from the proposal. Removes
  /// the rows of the proposed tokens that were wrong.
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

  /// Whether the answer is complete. The rows of `wrong` tokens of the last step are still to be removed.
  bool finished(const Active& active, std::size_t wrong = 0) const {
    return active.sequence.failure() != nullptr ||
           static_cast<Index>(active.answer.size()) >= active.question().max_new_tokens ||
           active.sequence.next_position - static_cast<Position>(wrong) == model_.config().max_positions ||
           model_.config().is_stop(active.answer.back());
  }

  static constexpr Index kFirstProposal = 4, kMostProposed = 16;
  static constexpr std::size_t kLogitRows = 64;  // rows of logits in memory at a time

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
