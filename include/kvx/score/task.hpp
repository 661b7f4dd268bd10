#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/context_name.hpp>
#include <kvx/score/generation_times.hpp>
#include <kvx/score/grade.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/sample_grader.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/task_concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The state of an answer that a task left ungraded.
inline constexpr std::string_view kNotRun = "not_run";

/// The work of a model for a task.
enum class TaskKind { answers, predicts, is_timed };

/// A task chosen at run time. Copies share it; it is immutable.
class AnyTask {
 public:
  template <GradesAnswers T>
  explicit AnyTask(T task) : task_(std::make_shared<Holder<T>>(std::move(task))) {}

  std::string_view name() const { return task_->name(); }
  std::span<const Metric> metrics() const { return task_->metrics(); }
  /// Empty if the task has no summaries.
  std::span<const Metric> summary_metrics() const { return task_->summary_metrics(); }
  /// Empty if the task has no parts.
  std::span<const Metric> part_metrics() const { return task_->part_metrics(); }
  std::span<const State> states() const { return task_->states(); }
  /// Prepares a sample, which must outlive the result, for grading its answers. Throws Error if the sample does not
  /// belong to this task; a task without a prepare() of its own throws only when it grades.
  SampleGrader prepare(const Sample& sample) const {
    return SampleGrader([task = *this, &sample, grade = task_->prepare(sample)](std::string_view predicted,
                                                                                const AnswerReading& reading) {
      const JudgedText answer = judged_text(reading.opened + sample.answer_prefix, predicted, reading.thoughts);
      Grade result = task.checked(grade(answer.text, reading));
      result.unfinished = answer.unfinished;
      return result;
    });
  }
  SampleGrader prepare(const Sample&&) const = delete;
  /// Grades one answer: prepare(sample).grade(predicted, reading).
  Grade grade(const Sample& sample, std::string_view predicted, const AnswerReading& reading = {}) const {
    return prepare(sample).grade(predicted, reading);
  }
  /// Whether grading an answer may take seconds.
  bool runs_programs() const { return task_->runs_programs(); }
  /// Whether an answer of this state was left ungraded and can be graded now.
  bool grades_now(std::string_view state) const { return task_->grades_now(state); }
  std::vector<Estimate> summaries(std::span<const Grade> grades) const { return task_->summaries(grades); }
  TaskKind kind() const { return task_->kind(); }
  /// Only for a task that PredictsTexts.
  Grade predicted(std::span<const double> nll, std::vector<double> kl, std::size_t same_top) const {
    return checked(task_->predicted(nll, std::move(kl), same_top));
  }
  /// Only for a task that TimesGenerations.
  Grade timed(const GenerationTimes& times) const { return checked(task_->timed(times)); }
  /// The forms of rows, besides a sample's six columns, that samples() reads.
  std::span<const RowForm> row_forms() const { return task_->row_forms(); }
  /// The samples of a file. Throws Error, naming file and line, for a row that is not a sample.
  SampleFile samples(const std::string& path, const std::string& text, const SampleFileOptions& options) const {
    return task_->samples(path, text, options);
  }
  /// A name for the sample's context, or for the part that several contexts share; empty for a sample without a
  /// context.
  std::string context(const Sample& sample) const { return task_->context(sample); }
  /// The settings that grades depend on, besides the answer and its sample; empty if there are none.
  std::string settings() const { return task_->settings(); }
  /// A message for the user before answers are graded; may be empty. Throws Error if answers cannot be graded.
  std::string notice() const { return task_->notice(); }
  /// The path of example data in kvx's folder of it; empty if there is none.
  std::string_view example_data() const { return task_->example_data(); }
  /// Whether the task has references, as HasReferences requires.
  bool has_references() const { return task_->has_references(); }
  /// A right answer to the sample; nullopt if the task has no references.
  std::optional<std::string> reference(const Sample& sample) const { return task_->reference(sample); }

 private:
  Grade checked(Grade grade) const {
    if (std::ranges::find(states(), grade.state, &State::name) == states().end())
      throw Error("task " + std::string(name()),
                  "expected a state that the task declares, found '" + grade.state + "'");
    return grade;
  }

  struct Interface {
    virtual ~Interface() = default;
    virtual std::string_view name() const = 0;
    virtual std::span<const Metric> metrics() const = 0;
    virtual std::span<const Metric> summary_metrics() const = 0;
    virtual std::span<const Metric> part_metrics() const = 0;
    virtual std::span<const State> states() const = 0;
    virtual GradeFunction prepare(const Sample&) const = 0;
    virtual bool runs_programs() const = 0;
    virtual bool grades_now(std::string_view) const = 0;
    virtual std::vector<Estimate> summaries(std::span<const Grade>) const = 0;
    virtual TaskKind kind() const = 0;
    virtual Grade predicted(std::span<const double>, std::vector<double>, std::size_t) const = 0;
    virtual Grade timed(const GenerationTimes&) const = 0;
    virtual bool has_references() const = 0;
    virtual std::optional<std::string> reference(const Sample&) const = 0;
    virtual std::span<const RowForm> row_forms() const = 0;
    virtual SampleFile samples(const std::string&, const std::string&, const SampleFileOptions&) const = 0;
    virtual std::string context(const Sample&) const = 0;
    virtual std::string settings() const = 0;
    virtual std::string notice() const = 0;
    virtual std::string_view example_data() const = 0;
  };
  template <class T>
  struct Holder final : Interface {
    explicit Holder(T t) : task(std::move(t)) {}
    std::string_view name() const override { return T::name; }
    std::span<const Metric> metrics() const override { return T::metrics(); }
    std::span<const Metric> summary_metrics() const override {
      if constexpr (SummarizesGrades<T>) return T::summary_metrics();
      return {};
    }
    std::span<const Metric> part_metrics() const override {
      if constexpr (GradesParts<T>) return T::part_metrics();
      return {};
    }
    std::span<const State> states() const override { return T::states(); }
    GradeFunction prepare(const Sample& sample) const override {
      if constexpr (PreparesSamples<T>) {
        const auto grader = std::make_shared<const decltype(task.prepare(sample))>(task.prepare(sample));
        return [grader](std::string_view answer, [[maybe_unused]] const AnswerReading& reading) {
          if constexpr (ReadsAnswers<T>)
            return grader->grade(answer, reading);
          else
            return grader->grade(answer);
        };
      } else {
        return [this, &sample](std::string_view answer, [[maybe_unused]] const AnswerReading& reading) {
          if constexpr (ReadsAnswers<T>)
            return task.grade(sample, answer, reading);
          else
            return task.grade(sample, answer);
        };
      }
    }
    bool runs_programs() const override {
      if constexpr (RunsPrograms<T>) return T::runs_programs;
      return false;
    }
    bool grades_now([[maybe_unused]] std::string_view state) const override {
      if constexpr (GradesLater<T>) return task.grades_now(state);
      return false;
    }
    std::vector<Estimate> summaries(std::span<const Grade> grades) const override {
      if constexpr (SummarizesGrades<T>) return task.summaries(grades);
      return {};
    }
    TaskKind kind() const override {
      return PredictsTexts<T> ? TaskKind::predicts : TimesGenerations<T> ? TaskKind::is_timed : TaskKind::answers;
    }
    Grade predicted([[maybe_unused]] std::span<const double> nll, [[maybe_unused]] std::vector<double> kl,
                    [[maybe_unused]] std::size_t same_top) const override {
      if constexpr (PredictsTexts<T>)
        return T::predicted(nll, std::move(kl), same_top);
      else
        throw Error("task " + std::string(T::name), "the task does not predict texts");
    }
    Grade timed([[maybe_unused]] const GenerationTimes& times) const override {
      if constexpr (TimesGenerations<T>)
        return T::timed(times);
      else
        throw Error("task " + std::string(T::name), "the task does not time generations");
    }
    bool has_references() const override { return HasReferences<T>; }
    std::optional<std::string> reference([[maybe_unused]] const Sample& sample) const override {
      if constexpr (HasReferences<T>) return task.reference(sample);
      return std::nullopt;
    }
    std::span<const RowForm> row_forms() const override {
      if constexpr (HasRowForms<T>) return T::row_forms();
      return {};
    }
    SampleFile samples(const std::string& path, const std::string& text,
                       const SampleFileOptions& options) const override {
      if constexpr (ReadsFiles<T>)
        return task.samples(path, text, options);
      else
        return read_samples(path, text, row_forms(), options);
    }
    std::string context(const Sample& sample) const override {
      if constexpr (NamesContexts<T>)
        return task.context(sample);
      else
        return context_name(sample);
    }
    std::string settings() const override {
      if constexpr (HasSettings<T>) return task.settings();
      return {};
    }
    std::string notice() const override {
      if constexpr (HasNotice<T>) return task.notice();
      return {};
    }
    std::string_view example_data() const override {
      if constexpr (HasExampleData<T>) return T::example_data;
      return {};
    }
    T task;
  };

  std::shared_ptr<const Interface> task_;
};

/// Calls f(), which grades or prepares a sample. Its Error also names `where`, the place of the sample.
template <class F>
auto at_place(const std::string& where, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    throw Error(where, error.what());
  }
}

}  // namespace kvx::inline v0
