#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/progress.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/answer_grid.hpp>
#include <kvx/eval/cell.hpp>
#include <kvx/eval/memory.hpp>
#include <kvx/eval/options.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/record_order.hpp>
#include <kvx/eval/record_store.hpp>
#include <kvx/eval/run_key.hpp>
#include <kvx/eval/run_times.hpp>
#include <kvx/eval/scored_context.hpp>
#include <kvx/io/text_file.hpp>
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
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Evaluates a grid of presses: each context is prefilled once for all cells, and the answers of all cells are decoded
/// as one batch. Records are appended as answers come; a run that was stopped goes on where it was.
class Evaluation {
 public:
  /// Checks everything that can be checked before a model is loaded. Throws Error.
  Evaluation(EvalOptions options, TaskRegistry tasks, const Registry& presses = {})
      : options_(std::move(options)), tasks_(std::move(tasks)) {
    for (const auto& task : options_.tasks) (void)tasks_.at(task);
    each_jsonl_row(options_.data, [&](const JsonlRow& row) {
      if (options_.limit > 0 && samples_.size() == options_.limit) return;
      samples_.push_back(row.sample());
      wheres_.push_back(row.where());
      for (const auto& task : options_.tasks) (void)grade_at(row.where(), tasks_.at(task), samples_.back(), "");
    });
    if (!options_.chat.empty()) chat_ = ChatTemplate::parse_name(options_.chat);
    add_cells(presses);
    std::set<std::string> keys;
    const std::string data = read_text_file(options_.data);
    for (const auto& model : options_.models) {
      dirs_.push_back(locate_model(model));
      keys_.push_back(run_key(hash_model(dirs_.back()), data, settings(), options_.dtype));
      keys.insert(keys_.back());
    }
    RecordOrder order{options_.models, options_.tasks, {}};
    for (const Planned& planned : cells_) order.cells.push_back(planned.name);
    store_.emplace(options_.out, std::move(keys), std::move(order), options_.config);
  }

  /// Answers and grades what is not recorded yet.
  RunTimes run() {
    Threads threads(options_.threads);
    for (std::size_t m = 0; m < options_.models.size(); ++m)
      work_ += static_cast<double>(missing(m)) * (1 + kPrefillWork);
    for (std::size_t m = 0; m < options_.models.size(); ++m) run_model(m, threads);
    progress_.clear();
    store_->finish();
    return times_;
  }

  /// The records so far, in their order.
  std::vector<Record> records() const { return store_->records(); }
  const TaskRegistry& tasks() const { return tasks_; }

 private:
  struct Planned {
    Cell cell;
    CellName name;
  };
  struct Group {
    std::vector<Token> context;
    std::vector<std::size_t> samples;  // that have it
  };

  /// One cell per press and allowance. At ratio 0 every press is the base, which stands first and alone.
  void add_cells(const Registry& presses) {
    const auto add = [&](const AnyPolicy& policy, const Allowance& allowance, CellName name) {
      const auto same = [&](const Planned& planned) { return planned.name == name; };
      if (std::none_of(cells_.begin(), cells_.end(), same)) cells_.push_back({{policy, allowance}, std::move(name)});
    };
    const AnyPolicy none = presses.parse(kNoPress);
    const auto add_base = [&] { add(none, Allowance::of_ratio(0), {none.written()}); };
    if (std::find(options_.ratios.begin(), options_.ratios.end(), 0.0) != options_.ratios.end()) add_base();
    for (const auto& written : options_.presses) {
      const AnyPolicy policy = presses.parse(written, options_.seed);
      const std::string press = policy.written();
      if (press == kNoPress) {
        add_base();
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

  std::string settings() const {
    return "template=" + options_.chat + " max_new_tokens=" + std::to_string(options_.max_new_tokens) +
           " max_context_length=" + std::to_string(options_.max_context_length);
  }

  /// Answers of model `m` that are not recorded.
  std::size_t missing(std::size_t m) const {
    std::size_t count = 0;
    for (const auto& task : options_.tasks)
      for (const Planned& planned : cells_)
        for (std::size_t s = 0; s < samples_.size(); ++s)
          count += !store_->contains(options_.models[m], task, planned.name, s);
    return count;
  }

  void run_model(std::size_t m, Threads& threads) {
    if (missing(m) == 0) return;
    const auto start = Clock::now();
    const auto tokenizer = Tokenizer::load(dirs_[m]);
    const auto chat = chat_ ? *chat_ : ChatTemplate::load(dirs_[m]);
    const auto model = Qwen2::load(dirs_[m], options_.dtype, threads);
    times_.load_seconds += seconds_since(start);
    std::vector<Group> groups;
    std::vector<std::vector<Token>> questions;
    std::map<std::string, std::size_t> by_context;
    for (std::size_t s = 0; s < samples_.size(); ++s) {
      const Sample& sample = samples_[s];
      const auto parts = split_chat(chat, "", sample.context, sample.question, sample.answer_prefix);
      questions.push_back(tokenizer.encode(parts.question));
      const auto [place, is_new] = by_context.try_emplace(parts.context, groups.size());
      if (is_new) groups.push_back({context_tokens(parts.context, tokenizer), {}});
      Group& group = groups[place->second];
      group.samples.push_back(s);
      if (questions.back().empty()) throw Error(wheres_[s], "expected a question after the context, found no token");
      const std::size_t prompt = group.context.size() + questions.back().size();
      if (static_cast<Index>(prompt) >= model.config().max_positions)
        throw Error(wheres_[s], "context and question: expected fewer tokens than the model's " +
                                    std::to_string(model.config().max_positions) + " positions, found " +
                                    std::to_string(prompt) + "; --max-context-length cuts contexts");
    }
    for (const auto& task : options_.tasks)
      for (const Group& group : groups) run_group(m, task, group, questions, model, tokenizer, threads);
  }

  std::vector<Token> context_tokens(const std::string& text, const Tokenizer& tokenizer) const {
    std::vector<Token> tokens = tokenizer.encode(text);
    if (options_.max_context_length > 0)
      tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(options_.max_context_length)));
    return tokens;
  }

  void run_group(std::size_t m, const std::string& task, const Group& group,
                 const std::vector<std::vector<Token>>& question_tokens, const Qwen2& model, const Tokenizer& tokenizer,
                 Threads& threads) {
    const std::vector<Token>& context = group.context;
    const auto rows = static_cast<Index>(context.size());
    const CacheShape shape = model.cache_shape(options_.dtype);
    std::vector<Cell> cells;
    std::vector<CellName> names;
    std::vector<GridJob> jobs;
    for (const Planned& planned : cells_) {
      const std::size_t before = jobs.size();
      for (std::size_t q = 0; q < group.samples.size(); ++q)
        if (!store_->contains(options_.models[m], task, planned.name, group.samples[q]))
          jobs.push_back({cells.size(), q});
      if (jobs.size() == before) continue;
      cells.push_back(planned.cell);
      names.push_back(planned.name);
    }
    if (jobs.empty()) return;
    std::vector<Question> questions;
    for (const std::size_t s : group.samples)
      questions.push_back({question_tokens[s],
                           options_.max_new_tokens > 0 ? options_.max_new_tokens : Index{samples_[s].max_new_tokens}});

    auto start = Clock::now();
    std::size_t kept_lists = 0;
    for (const Cell& cell : cells)
      kept_lists += static_cast<std::size_t>(cell.allowance.resolve(rows, shape).keep * shape.layers * shape.kv_heads);
    expect_memory(resident_bytes() + prefill_bytes(model.config(), rows, shape) + kept_lists * sizeof(Index));
    const double layer_work = kPrefillWork * static_cast<double>(jobs.size()) / static_cast<double>(shape.layers);
    const ScoredContext scored(model, context, cells, options_.dtype, threads, [&](Index) { advance(layer_work); });
    times_.prefill_seconds += seconds_since(start);
    times_.context_tokens += context.size();

    start = Clock::now();
    const auto record = [&](const GridJob& job, std::string answer, Grade grade) {
      const std::size_t index = group.samples[job.question];
      Record made{.key = keys_[m],
                  .model = options_.models[m],
                  .task = task,
                  .press = names[job.cell].press,
                  .ratio = cells[job.cell].allowance.resolve(rows, shape).ratio,
                  .index = index,
                  .sample = samples_[index]};
      made.predicted_answer = std::move(answer);
      made.state = std::move(grade.state);
      made.detail = std::move(grade.detail);
      const auto metrics = tasks_.at(task).metric_names();
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
      if (unserved(job)) record(job, "", not_applicable(task, scored.reason(job.cell)));
    std::erase_if(jobs, unserved);
    const std::size_t used = resident_bytes();
    expect_memory(used);
    answer_grid(model, scored, questions, jobs, {options_.max_batch, (options_.memory - used) / 10 * 9}, threads,
                [&](const GridJob& job, std::span<const Token> tokens, double seconds) {
                  std::string answer = tokenizer.decode(tokens, true);
                  const Sample& sample = samples_[group.samples[job.question]];
                  Grade grade = tasks_.at(task).grade(sample, answer);
                  times_.count({options_.models[m], task, sample.task, names[job.cell], tokens.size(), seconds});
                  record(job, std::move(answer), std::move(grade));
                });
    times_.decode_seconds += seconds_since(start);
  }

  Grade not_applicable(const std::string& task, const std::string& why) const {
    return {std::string(kNotApplicable),
            std::vector<std::optional<double>>(tasks_.at(task).metric_names().size(), std::nullopt), why};
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
  /// What a prefill is for the progress bar, in answers, for each answer that follows it.
  static constexpr double kPrefillWork = 0.25;

  EvalOptions options_;
  TaskRegistry tasks_;
  std::vector<Sample> samples_;
  std::vector<std::string> wheres_;   // file and line of each sample
  std::optional<ChatTemplate> chat_;  // unless it is each model's own
  std::vector<Planned> cells_;
  std::vector<std::string> dirs_, keys_;  // per model
  std::optional<RecordStore> store_;
  Progress progress_{"answers"};
  double work_ = 0, done_ = 0;
  RunTimes times_;
};

}  // namespace kvx::inline v0
