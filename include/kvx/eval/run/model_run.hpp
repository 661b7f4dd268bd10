#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/resident_bytes.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/records/cell_name.hpp>
#include <kvx/eval/records/pending_grades.hpp>
#include <kvx/eval/records/record.hpp>
#include <kvx/eval/records/record_reading.hpp>
#include <kvx/eval/records/record_store.hpp>
#include <kvx/eval/run/analyze_kept.hpp>
#include <kvx/eval/run/answer_tokens.hpp>
#include <kvx/eval/run/cell.hpp>
#include <kvx/eval/run/cell_in_context.hpp>
#include <kvx/eval/run/grid_batch.hpp>
#include <kvx/eval/run/missing_answers.hpp>
#include <kvx/eval/run/not_applicable.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/planned_cells.hpp>
#include <kvx/eval/run/predict_cells.hpp>
#include <kvx/eval/run/prepared_model.hpp>
#include <kvx/eval/run/prompts.hpp>
#include <kvx/eval/run/scored_context.hpp>
#include <kvx/eval/run/task_data.hpp>
#include <kvx/eval/run/time_generation.hpp>
#include <kvx/eval/speed/machine.hpp>
#include <kvx/eval/tables/run_times.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/none.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_grader.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_registry.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Answers and grades what the records of one model lack: questions in one batch that contexts join and leave, texts
/// piece by piece, timed generations one by one.
class ModelRun {
 public:
  /// The work of a prefill, in answers, for each answer that follows it; on_work counts it.
  static constexpr double kPrefillWork = 0.25;

  /// Loads the weights. Calls on_work(work done since), in answers, and on_record as run() goes. All that is referred
  /// to outlives it.
  ModelRun(const PreparedModel& model, const EvalOptions& options, const TaskRegistry& tasks,
           std::span<const PlannedCell> cells, RecordStore& store, Threads& threads, RunTimes& times,
           std::function<void(double)> on_work, std::function<void(const Record&)> on_record = {})
      : model_(model),
        options_(options),
        tasks_(tasks),
        cells_(cells),
        store_(store),
        threads_(threads),
        times_(times),
        on_work_(std::move(on_work)),
        on_record_(std::move(on_record)),
        weights_(load()),
        shape_(weights_.cache_shape(options.dtype)),
        batch_(weights_,
               {options.max_batch, free_bytes(), options.draft && options.sampler.temperature == 0, options.entropy},
               threads),
        pending_(threads) {}

  void run() {
    if (!options_.generate) return;
    for (const TaskPrompts& task : model_.tasks) {
      for (const PromptGroup& group : task.groups) run_group(task, group);
      decode([&] { batch_.finish(); });
      pending_.finish();
    }
  }

  /// Counts what the cells keep of each context, whether or not it lacks answers.
  void analyze(KeptAnalysis& to) {
    analyze_kept(to, model_, weights_, cells_, options_.dtype, threads_,
                 [&] { on_work_(kPrefillWork * static_cast<double>(cells_.size())); });
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  Decoder load() {
    const auto start = Clock::now();
    auto weights = Decoder::load(model_.dir, options_.weights, threads_);
    times_.load_seconds += seconds_since(start);
    if (!weights.note().empty()) times_.notes.push_back(model_.name + ": " + weights.note());
    return weights;
  }

  /// The cells of a group that lack answers, by their places among all, and those answers.
  struct GroupPlan {
    std::vector<std::size_t> cells;
    std::vector<GridJob> jobs;
  };

  void run_group(const TaskPrompts& task, const PromptGroup& group) {
    GroupPlan plan;
    each_missing(model_, task, group, cells_, store_, attempts_of(tasks_.at(task.task), options_),
                 [&](std::size_t cell, std::size_t prompt, std::size_t attempt) {
                   if (plan.cells.empty() || plan.cells.back() != cell) plan.cells.push_back(cell);
                   plan.jobs.push_back({plan.cells.size() - 1, prompt, attempt});
                 });
    if (plan.jobs.empty()) return;
    if (tasks_.at(task.task).kind() == TaskKind::is_timed) return time_group(task, group, plan);

    const std::size_t bytes = context_bytes(model_.config, group, cells_, shape_);
    decode([&] {
      batch_.make_room(bytes);
      if (resident_bytes() + bytes >= options_.memory) batch_.finish();  // records and scratch memory have grown
    });
    if (batch_.empty()) batch_.restart(free_bytes());
    detail::expect_memory(resident_bytes() + bytes, options_);
    const auto start = Clock::now();
    std::vector<Cell> cells;
    for (const std::size_t cell : plan.cells) cells.push_back(cells_[cell].cell);
    const double layer_work = kPrefillWork * static_cast<double>(plan.jobs.size()) / static_cast<double>(shape_.layers);
    ScoredContext scored(
        weights_, group.context, cells, options_.dtype, threads_, [&](Index) { on_work_(layer_work); }, model_.repeat,
        group.spans);
    times_.prefill_seconds += seconds_since(start);
    times_.context_tokens += group.context.size();

    const AnyTask& grader = tasks_.at(task.task);
    std::vector<CellState> states;
    for (std::size_t c = 0; c < cells.size(); ++c)
      states.push_back({scored.ratio(c), scored.bytes(c), scored.full().bytes()});
    std::erase_if(plan.jobs, [&](const GridJob& job) {
      const std::string& reason = scored.reason(job.cell);
      if (!reason.empty())
        record(task, group, {plan.cells[job.cell], job}, states[job.cell], "", not_applicable(grader, reason));
      return !reason.empty();
    });
    if (plan.jobs.empty()) return;
    if (grader.kind() == TaskKind::predicts)
      return decode([&] {
        predict_cells(weights_, scored, group.prompts, plan.jobs, grader, free_bytes(), threads_,
                      [&](const GridJob& job, Grade grade) {
                        record(task, group, {plan.cells[job.cell], job}, states[job.cell], "", std::move(grade));
                      });
      });
    std::map<std::size_t, SampleGrader> graders;  // by question
    for (const GridJob& job : plan.jobs)
      if (!graders.contains(job.question))
        graders.emplace(job.question, grader.prepare(task.samples[group.prompts[job.question].sample]));
    GridContext context{std::move(scored), questions_of(task, group), std::move(plan.jobs), {}};
    context.on_answer = [this, &task, &group, &grader, graders = std::move(graders), cells = std::move(plan.cells),
                         states = std::move(states)](const GridJob& job, const GridAnswer& given) {
      if (given.failure != nullptr)
        return record(task, group, {cells[job.cell], job}, states[job.cell], "",
                      not_applicable(grader, given.failure->what()));
      const std::string answer = answer_of_tokens(model_.tokenizer, given.tokens, model_.reading);
      const Sample& sample = task.samples[group.prompts[job.question].sample];
      const std::size_t cell = cells[job.cell];
      times_.count({model_.name, task.task, sample.task, cells_[cell].name, given.tokens.size(), given.seconds});
      const SampleGrader& prepared = graders.at(job.question);
      if (!grader.runs_programs())
        return record(task, group, {cell, job}, states[job.cell], answer, prepared.grade(answer, model_.reading),
                      given.entropy);
      pending_.add([this, prepared, answer] { return prepared.grade(answer, model_.reading); },
                   [this, &task, &group, cell, job, state = states[job.cell], answer,
                    entropy = std::vector(given.entropy.begin(), given.entropy.end())](Grade grade) {
                     record(task, group, {cell, job}, state, answer, std::move(grade), entropy);
                   });
    };
    decode([&] { batch_.add(std::move(context)); });
  }

  std::vector<Question> questions_of(const TaskPrompts& task, const PromptGroup& group) const {
    const Index longest = max_new_tokens(options_, task.task);
    std::vector<Question> questions;
    for (const Prompt& prompt : group.prompts) {
      SamplerOptions sampler = options_.sampler;
      sampler.seed += prompt.sample << 20;  // apart from the seeds of other samples' attempts
      const Index own = task.samples[prompt.sample].max_new_tokens;
      questions.push_back({prompt.tokens, longest > 0 ? longest : own, sampler});
    }
    return questions;
  }

  void warm_up(const TaskPrompts& task) {
    if (std::exchange(warm_, true)) return;
    if (times_.read_bandwidth == 0) times_.read_bandwidth = read_bandwidth(threads_);
    for (std::size_t i = 0; i < options_.timing.warm_ups; ++i)
      (void)time_generation(weights_, task.groups[i % task.groups.size()].context,
                            {AnyPolicy(None()), Allowance::of_ratio(0)}, options_.timing.gen_tokens, options_.dtype,
                            threads_, model_.repeat);
  }

  /// The cells one after another, each alone on the machine.
  void time_group(const TaskPrompts& task, const PromptGroup& group, const GroupPlan& plan) {
    warm_up(task);
    const AnyTask& grader = tasks_.at(task.task);
    for (const GridJob& job : plan.jobs) {
      const std::size_t cell = plan.cells[job.cell];
      detail::expect_memory(resident_bytes() + context_bytes(model_.config, group, cells_, shape_), options_);
      on_work_(kPrefillWork);
      try {
        const TimedGeneration timed =
            time_generation(weights_, group.context, cells_[cell].cell, options_.timing.gen_tokens, options_.dtype,
                            threads_, model_.repeat, group.spans);
        times_.prefill_seconds += timed.times.prefill;
        times_.context_tokens += group.context.size();
        times_.decode_seconds += timed.times.first_token - timed.times.prefill + timed.times.decode;
        times_.answer_tokens += timed.times.tokens;
        record(task, group, {cell, job}, {timed.ratio, timed.kept_bytes, timed.full_bytes}, "",
               grader.timed(timed.times));
      } catch (const NotApplicable& why) {
        record(task, group, {cell, job}, {}, "", not_applicable(grader, why.what()));
      }
    }
  }

  /// The part of a context that a cell kept.
  struct CellState {
    double ratio = 0;
    std::size_t kept_bytes = 0, full_bytes = 0;
  };
  /// A job, whose cell is the `cell`-th of all.
  struct PlacedJob {
    std::size_t cell;
    const GridJob& job;
  };

  void record(const TaskPrompts& task, const PromptGroup& group, const PlacedJob& placed, const CellState& state,
              std::string answer, Grade grade, std::span<const double> entropy = {}) {
    const PlannedCell& planned = cells_[placed.cell];
    const auto rows = static_cast<Index>(group.context.size());
    const CellName name = cell_in_context(planned, model_.config, rows, shape_, state.ratio);
    Record made{.key = task.key, .model = model_.name, .task = task.task, .press = name.press, .ratio = name.ratio};
    made.index = group.prompts[placed.job.question].sample;
    made.sample = task.samples[made.index];
    made.predicted_answer = std::move(answer);
    made.grade = std::move(grade);
    for (const double nats : entropy) made.entropy.push_back(std::round(nats * 1e4) / 1e4);
    made.kept_bytes = state.kept_bytes;
    made.full_bytes = state.full_bytes;
    made.budget = name.budget;
    made.ignored_budget = planned.ignores;
    made.query_aware = name.query_aware;
    made.attempt = placed.job.attempt;
    if (tasks_.at(task.task).kind() == TaskKind::answers) made.reading = RecordReading::of(model_.reading);
    store_.add(made);
    if (on_record_) on_record_(made);
    ++times_.answers;
    on_work_(1);
  }

  /// The bytes that are left for contexts and batches, with some room for the heap.
  std::size_t free_bytes() const {
    const std::size_t used = resident_bytes();
    detail::expect_memory(used, options_);
    return (options_.memory - used) / 10 * 9;
  }

  /// Counts the seconds of `steps`.
  void decode(const std::function<void()>& steps) {
    const auto start = Clock::now();
    steps();
    times_.decode_seconds += seconds_since(start);
  }

  const PreparedModel& model_;
  const EvalOptions& options_;
  const TaskRegistry& tasks_;
  std::span<const PlannedCell> cells_;
  RecordStore& store_;
  Threads& threads_;
  RunTimes& times_;
  std::function<void(double)> on_work_;
  std::function<void(const Record&)> on_record_;
  Decoder weights_;
  CacheShape shape_;
  GridBatch batch_;
  PendingGrades pending_;
  bool warm_ = false;
};

}  // namespace kvx::inline v0
