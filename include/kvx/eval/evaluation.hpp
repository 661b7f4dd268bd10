#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/progress.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/answer_grid.hpp>
#include <kvx/eval/cell.hpp>
#include <kvx/eval/memory.hpp>
#include <kvx/eval/options.hpp>
#include <kvx/eval/predict_cells.hpp>
#include <kvx/eval/prompts.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/record_order.hpp>
#include <kvx/eval/record_store.hpp>
#include <kvx/eval/repeat_prompt.hpp>
#include <kvx/eval/results_text.hpp>
#include <kvx/eval/run_key.hpp>
#include <kvx/eval/run_times.hpp>
#include <kvx/eval/scored_context.hpp>
#include <kvx/eval/task_data.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/model/config.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/model/qwen2.hpp>
#include <kvx/press/registry.hpp>
#include <kvx/score/registry.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/tokenizer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Evaluates a grid of presses: each context is prefilled once for all cells, and the answers of all cells are decoded
/// as one batch. Records are appended as answers come; a run that was stopped goes on where it was.
class Evaluation {
 public:
  /// Checks everything that can be checked before the weights of a model are loaded. Throws Error.
  Evaluation(EvalOptions options, TaskRegistry tasks, const Registry& presses = {})
      : options_(std::move(options)), tasks_(std::move(tasks)) {
    std::vector<TaskData> data;
    for (const auto& task : options_.tasks) data.emplace_back(tasks_.at(task), options_);
    add_cells(presses);
    RunKeys keys;
    for (const auto& name : options_.models) {
      models_.push_back(prepared(name, data));
      for (const TaskPrompts& task : models_.back().tasks) keys[{name, task.task}] = task.key;
    }
    RecordOrder order{options_.models, options_.tasks, {}};
    for (const Planned& planned : cells_) order.cells.push_back(planned.name);
    store_.emplace(options_.out, std::move(keys), std::move(order), options_.config);
  }

  /// Answers and grades what is not recorded yet.
  RunTimes run() {
    Threads threads(options_.threads);
    for (const Model& model : models_) work_ += static_cast<double>(missing(model)) * (1 + kPrefillWork);
    for (const Model& model : models_)
      if (missing(model) > 0) run_model(model, threads);
    progress_.clear();
    store_->finish();
    return times_;
  }

  /// Answers that are not recorded yet.
  std::size_t missing() const {
    std::size_t count = 0;
    for (const Model& model : models_) count += missing(model);
    return count;
  }

  /// The records so far, in their order.
  std::vector<Record> records() const { return store_->records(); }

 private:
  struct Planned {
    Cell cell;
    CellName name;
  };
  struct Model {
    std::string name, dir;
    ModelConfig config;
    Tokenizer tokenizer;
    std::vector<TaskPrompts> tasks;
    RepeatPrompt repeat;
  };

  /// One cell per press and allowance, or per press where it decides itself how much stays. At ratio 0 every other
  /// press is the base, which stands first and alone.
  void add_cells(const Registry& presses) {
    const auto add = [&](const AnyPolicy& policy, const Allowance& allowance, CellName name) {
      const auto same = [&](const Planned& planned) { return planned.name == name; };
      if (std::none_of(cells_.begin(), cells_.end(), same)) cells_.push_back({{policy, allowance}, std::move(name)});
    };
    const AnyPolicy none = presses.parse(kNoPress);
    const auto add_base = [&] { add(none, Allowance::of_ratio(0), {none.written()}); };
    if (std::find(options_.ratios.begin(), options_.ratios.end(), 0.0) != options_.ratios.end()) add_base();
    for (const auto& written : options_.presses) {
      const AnyPolicy policy = presses.parse(written, {options_.seed, read_matrix});
      const std::string press = policy.written();
      if (press == kNoPress) {
        add_base();
        continue;
      }
      if (policy.traits().own_budget) {
        add(policy, Allowance::of_ratio(0), {press, 0, std::string(kOwnBudget)});
        continue;
      }
      for (const double ratio : options_.ratios)
        if (ratio != 0) add(policy, Allowance::of_ratio(ratio), {press, ratio});
      if (options_.keep)
        add(policy, Allowance::of_tokens(*options_.keep), {press, 0, "keep=" + std::to_string(*options_.keep)});
      if (options_.kv_bytes)
        add(policy, Allowance::of_bytes(*options_.kv_bytes),
            {press, 0, "kv_bytes=" + std::to_string(*options_.kv_bytes)});
    }
  }

  std::string settings(const AnyTask& task) const {
    if (task.predicts())
      return "length=" + std::to_string(options_.pieces.length) +
             " prefix_ratio=" + detail::six_digits(options_.pieces.prefix_ratio);
    return "template=" + options_.chat + " max_new_tokens=" + std::to_string(options_.max_new_tokens) +
           " max_context_length=" + std::to_string(options_.max_context_length);
  }

  Model prepared(const std::string& name, std::span<const TaskData> data) const {
    const std::string dir = locate_model(name);
    const auto chat = options_.chat.empty() ? ChatTemplate::load(dir) : ChatTemplate::parse_name(options_.chat);
    Model model{name, dir, ModelConfig::load(dir), Tokenizer::load(dir), {}, {}};
    model.repeat = repeat_prompt(model.tokenizer, chat);
    const CacheShape shape{model.config.layers, model.config.kv_heads, model.config.head_dim, options_.dtype};
    const std::uint64_t hash = hash_model(dir);
    std::size_t most = 0;
    for (const TaskData& of_task : data) {
      model.tasks.push_back(
          task_prompts(of_task, run_key(hash, of_task.text, settings(of_task.task), options_.weights, options_.dtype),
                       options_, dir, model.config, model.tokenizer, chat));
      for (const PromptGroup& group : model.tasks.back().prompts.groups)
        most = std::max(most, context_bytes(model.config, group, shape));
    }
    expect_memory(resident_bytes() + weight_bytes(model.config, options_.weights) + most);
    return model;
  }

  /// What a context takes for all cells, before they are decoded from.
  std::size_t context_bytes(const ModelConfig& config, const PromptGroup& group, const CacheShape& shape) const {
    const auto rows = static_cast<Index>(group.context.size());
    Index kept = 0;
    for (const Planned& planned : cells_)
      kept += planned.cell.allowance.resolve(rows, shape).keep * shape.layers * shape.kv_heads;
    return prefill_bytes(config, rows, shape) + static_cast<std::size_t>(kept) * sizeof(Index);
  }

  /// Answers of a model that are not recorded.
  std::size_t missing(const Model& model) const {
    std::size_t count = 0;
    for (const TaskPrompts& task : model.tasks)
      for (const Planned& planned : cells_)
        for (std::size_t s = 0; s < task.samples.size(); ++s)
          count += !store_->contains(model.name, task.task, planned.name, s);
    return count;
  }

  void run_model(const Model& model, Threads& threads) {
    const auto start = Clock::now();
    const auto weights = Qwen2::load(model.dir, options_.weights, threads);
    times_.load_seconds += seconds_since(start);
    for (const TaskPrompts& task : model.tasks)
      for (const PromptGroup& group : task.prompts.groups) run_group(model, task, group, weights, threads);
  }

  /// The cells of a group that lack answers, and those answers.
  struct GroupPlan {
    std::vector<Cell> cells;
    std::vector<CellName> names;
    std::vector<GridJob> jobs;
  };

  GroupPlan plan(const Model& model, const TaskPrompts& task, const PromptGroup& group) const {
    GroupPlan plan;
    for (const Planned& planned : cells_) {
      const std::size_t before = plan.jobs.size();
      for (std::size_t q = 0; q < group.samples.size(); ++q)
        if (!store_->contains(model.name, task.task, planned.name, group.samples[q]))
          plan.jobs.push_back({plan.cells.size(), q});
      if (plan.jobs.size() == before) continue;
      plan.cells.push_back(planned.cell);
      plan.names.push_back(planned.name);
    }
    return plan;
  }

  void run_group(const Model& model, const TaskPrompts& task, const PromptGroup& group, const Qwen2& weights,
                 Threads& threads) {
    const std::vector<Token>& context = group.context;
    const CacheShape shape = weights.cache_shape(options_.dtype);
    const AnyTask& grader = tasks_.at(task.task);
    auto [cells, names, jobs] = plan(model, task, group);
    if (jobs.empty()) return;

    auto start = Clock::now();
    expect_memory(resident_bytes() + context_bytes(model.config, group, shape));
    const double layer_work = kPrefillWork * static_cast<double>(jobs.size()) / static_cast<double>(shape.layers);
    const ScoredContext scored(
        weights, context, cells, options_.dtype, threads, [&](Index) { advance(layer_work); }, model.repeat);
    times_.prefill_seconds += seconds_since(start);
    times_.context_tokens += context.size();

    start = Clock::now();
    const auto record = [&](const GridJob& job, std::string answer, Grade grade) {
      const std::size_t index = group.samples[job.question];
      const auto rows = static_cast<Index>(context.size());
      Record made{.key = task.key,
                  .model = model.name,
                  .task = task.task,
                  .press = names[job.cell].press,
                  .ratio = names[job.cell].budget == kOwnBudget ? scored.ratio(job.cell)
                                                                : cells[job.cell].allowance.resolve(rows, shape).ratio,
                  .index = index,
                  .sample = task.samples[index]};
      made.predicted_answer = std::move(answer);
      made.state = std::move(grade.state);
      made.detail = std::move(grade.detail);
      const auto metrics = grader.metric_names();
      for (std::size_t i = 0; i < metrics.size(); ++i) made.metrics[std::string(metrics[i])] = grade.metrics[i];
      made.kept_bytes = scored.bytes(job.cell);
      made.full_bytes = scored.full().bytes();
      made.budget = names[job.cell].budget;
      store_->add(made);
      ++times_.answers;
      advance(1);
    };
    const auto unserved = [&](const GridJob& job) { return !scored.reason(job.cell).empty(); };
    for (const GridJob& job : jobs)
      if (unserved(job)) record(job, "", not_applicable(grader, scored.reason(job.cell)));
    std::erase_if(jobs, unserved);
    const std::size_t used = resident_bytes();
    expect_memory(used);
    const std::size_t left = (options_.memory - used) / 10 * 9;
    if (grader.predicts()) {
      const std::vector<Token>& suffix = task.prompts.questions[group.samples.front()];
      predict_cells(weights, scored, suffix, jobs, grader, left, threads,
                    [&](const GridJob& job, Grade grade) { record(job, "", std::move(grade)); });
    } else {
      std::vector<Question> questions;
      for (const std::size_t s : group.samples)
        questions.push_back({task.prompts.questions[s], options_.max_new_tokens > 0
                                                            ? options_.max_new_tokens
                                                            : Index{task.samples[s].max_new_tokens}});
      answer_grid(weights, scored, questions, jobs, {options_.max_batch, left, options_.draft}, threads,
                  [&](const GridJob& job, std::span<const Token> tokens, double seconds) {
                    std::string answer = model.tokenizer.decode(tokens, true);
                    const Sample& sample = task.samples[group.samples[job.question]];
                    Grade grade = grader.grade(sample, answer);
                    times_.count({model.name, task.task, sample.task, names[job.cell], tokens.size(), seconds});
                    record(job, std::move(answer), std::move(grade));
                  });
    }
    times_.decode_seconds += seconds_since(start);
  }

  static Grade not_applicable(const AnyTask& task, const std::string& why) {
    return {std::string(kNotApplicable), std::vector<std::optional<double>>(task.metric_names().size(), std::nullopt),
            why};
  }

  void advance(double work) { progress_.update((done_ += work) / work_); }

  void expect_memory(std::size_t bytes) const {
    if (bytes >= options_.memory)
      throw Error("memory", "expected more than " + std::to_string(bytes >> 20) +
                                "M for the weights and one context, found " + std::to_string(options_.memory >> 20) +
                                "M");
  }

  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  /// The budget's name for a press that decides itself how much stays.
  static constexpr std::string_view kOwnBudget = "own";
  /// What a prefill is for the progress bar, in answers, for each answer that follows it.
  static constexpr double kPrefillWork = 0.25;

  EvalOptions options_;
  TaskRegistry tasks_;
  std::vector<Planned> cells_;
  std::vector<Model> models_;
  std::optional<RecordStore> store_;
  Progress progress_{"answers"};
  double work_ = 0, done_ = 0;
  RunTimes times_;
};

}  // namespace kvx::inline v0
