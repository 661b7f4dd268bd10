#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/estimate.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/sample.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// One of the things that an answer is judged by, such as one of several instructions.
struct GradePart {
  std::string group;           ///< parts of one group are counted together
  std::vector<double> values;  ///< in the order of the task's part_names()
};

/// What one answer is worth.
struct Grade {
  std::string state;  ///< one word, such as `exact` or `unparsed`
  std::vector<std::optional<double>>
      metrics;              ///< in the order of the task's metric names, 0 to 1 if it answers; none: does not apply
  std::string detail = {};  ///< why, for a reader; may be empty
  std::vector<GradePart> parts = {};  ///< of a task that GradesParts
  std::string cluster = {};  ///< the name of the context, or of what several share; empty: a context of its own
  std::string as_read = {};  ///< other engines' forms that were accepted as calls, ToolForms::text(); may be empty
  bool unfinished = false;   ///< whether the answer is a thought that does not end
};

/// The name of the context that an answer is about. If the grade names none, the name is made from `place`, which
/// differs for each answer.
inline std::string context_of(const Grade& grade, std::size_t place) {
  return grade.cluster.empty() ? "#" + std::to_string(place) : grade.cluster;
}

/// A task: a value type that grades answers, which are texts that judged_text() made. metric_names() is a range of
/// names, in the order of Grade::metrics.
template <class T>
concept GradesAnswers = requires(const T t, const Sample& sample, std::string_view answer) {
                          { T::name } -> std::convertible_to<std::string_view>;
                          { T::metric_names() } -> std::convertible_to<std::span<const std::string_view>>;
                          { t.grade(sample, answer) } -> std::same_as<Grade>;
                        };

/// A task whose grades depend on an AnswerReading.
template <class T>
concept ReadsAnswers =
    requires(const T t, const Sample& sample, std::string_view answer, const AnswerReading& reading) {
      { t.grade(sample, answer, reading) } -> std::same_as<Grade>;
    };

/// A task that grades by running programs for seconds, so that it is worth grading several answers in parallel.
template <class T>
concept RunsPrograms = requires {
                         { T::runs_programs } -> std::convertible_to<bool>;
                       };

/// A task that may leave answers ungraded, and says whether an answer with a given state can be graded now.
template <class T>
concept GradesLater = requires(const T t, std::string_view state) {
                        { t.grades_now(state) } -> std::same_as<bool>;
                      };

/// A task with metrics or summaries for which more is not better.
template <class T>
concept OrdersFigures = requires(std::string_view figure) {
                          { T::better(figure) } -> std::same_as<Better>;
                        };

/// A task with figures over all grades beside the means of its metrics.
template <class T>
concept SummarizesGrades = requires(const T t, std::span<const Grade> grades) {
                             { t.summaries(grades) } -> std::same_as<std::vector<Estimate>>;
                           };

/// A task whose answers are judged in parts, each with values of these names.
template <class T>
concept GradesParts = requires {
                        { T::part_names() } -> std::convertible_to<std::span<const std::string_view>>;
                      };

/// A task with more metrics than a table has room for: how many of the first ones that shows.
template <class T>
concept HidesMetrics = requires {
                         { T::shown_metrics } -> std::convertible_to<std::size_t>;
                       };

/// How long one sequence took that was generated alone, in seconds.
struct GenerationTimes {
  double prefill = 0;      ///< until the context's cache was compressed
  double first_token = 0;  ///< from the start to the first token
  double decode = 0;       ///< from the first token to the last
  std::size_t tokens = 0;  ///< generated, at least two
};

/// A task that has texts predicted: its model is fed what it would otherwise answer, and `predicted` makes a grade of
/// each token's negative log-likelihood and divergence from the base, and of how often both find the same token
/// likeliest.
template <class T>
concept PredictsTexts = requires(std::span<const double> nll, std::vector<double> kl, std::size_t same_top) {
                          { T::predicted(nll, kl, same_top) } -> std::same_as<Grade>;
                        };

/// A task that has generations timed: no answer is looked at, `timed` makes a grade of how long one took.
template <class T>
concept TimesGenerations = requires(const GenerationTimes& times) {
                             { T::timed(times) } -> std::same_as<Grade>;
                           };

/// A task whose samples have an answer that could have been written: its text.
template <class T>
concept HasReferences = requires(const T t, const Sample& sample) {
                          { t.reference(sample) } -> std::same_as<std::string>;
                        };

/// The state of an answer that a task left ungraded.
inline constexpr std::string_view kNotRun = "not_run";

/// What a model does for a task.
enum class TaskKind { answers, predicts, is_timed };

/// A task chosen at run time. Copies share it; it is immutable.
class AnyTask {
 public:
  template <GradesAnswers T>
  explicit AnyTask(T task) : task_(std::make_shared<Holder<T>>(std::move(task))) {}

  std::string_view name() const { return task_->name(); }
  std::span<const std::string_view> metric_names() const { return task_->metric_names(); }
  /// Which values of a metric or summary are better.
  Better better(std::string_view figure) const { return task_->better(figure); }
  /// The metrics for a table; the files have all.
  std::size_t shown_metrics() const { return task_->shown_metrics(); }
  /// Empty where the task has no parts.
  std::span<const std::string_view> part_names() const { return task_->part_names(); }
  /// Grades what a model predicted after the sample's answer prefix. Throws Error if the sample does not belong to this
  /// task, but never because of the answer.
  Grade grade(const Sample& sample, std::string_view predicted, const AnswerReading& reading = {}) const {
    const JudgedText answer = judged_text(sample.answer_prefix, predicted, reading.thoughts);
    Grade grade = task_->grade(sample, answer.text, reading);
    grade.unfinished = answer.unfinished;
    return grade;
  }
  /// Whether grading an answer may take seconds.
  bool runs_programs() const { return task_->runs_programs(); }
  /// Whether an answer of this state was left ungraded and can be graded now.
  bool grades_now(std::string_view state) const { return task_->grades_now(state); }
  std::vector<Estimate> summaries(std::span<const Grade> grades) const { return task_->summaries(grades); }
  TaskKind kind() const { return task_->kind(); }
  /// Only of one that PredictsTexts.
  Grade predicted(std::span<const double> nll, std::vector<double> kl, std::size_t same_top) const {
    return task_->predicted(nll, std::move(kl), same_top);
  }
  /// Only of one that TimesGenerations.
  Grade timed(const GenerationTimes& times) const { return task_->timed(times); }
  /// What a right answer to the sample looks like; none where the task has no references.
  std::optional<std::string> reference(const Sample& sample) const { return task_->reference(sample); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string_view name() const = 0;
    virtual std::span<const std::string_view> metric_names() const = 0;
    virtual Better better(std::string_view) const = 0;
    virtual std::size_t shown_metrics() const = 0;
    virtual std::span<const std::string_view> part_names() const = 0;
    virtual Grade grade(const Sample&, std::string_view, const AnswerReading&) const = 0;
    virtual bool runs_programs() const = 0;
    virtual bool grades_now(std::string_view) const = 0;
    virtual std::vector<Estimate> summaries(std::span<const Grade>) const = 0;
    virtual TaskKind kind() const = 0;
    virtual Grade predicted(std::span<const double>, std::vector<double>, std::size_t) const = 0;
    virtual Grade timed(const GenerationTimes&) const = 0;
    virtual std::optional<std::string> reference(const Sample&) const = 0;
  };
  template <class T>
  struct Holder final : Interface {
    explicit Holder(T t) : task(std::move(t)) {}
    std::string_view name() const override { return T::name; }
    std::span<const std::string_view> metric_names() const override { return T::metric_names(); }
    Better better([[maybe_unused]] std::string_view figure) const override {
      if constexpr (OrdersFigures<T>) return T::better(figure);
      return Better::more;
    }
    std::size_t shown_metrics() const override {
      if constexpr (HidesMetrics<T>) return T::shown_metrics;
      return metric_names().size();
    }
    std::span<const std::string_view> part_names() const override {
      if constexpr (GradesParts<T>) return T::part_names();
      return {};
    }
    Grade grade(const Sample& sample, std::string_view answer,
                [[maybe_unused]] const AnswerReading& reading) const override {
      if constexpr (ReadsAnswers<T>)
        return task.grade(sample, answer, reading);
      else
        return task.grade(sample, answer);
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
        throw Error("task " + std::string(T::name), "it predicts no texts");
    }
    Grade timed([[maybe_unused]] const GenerationTimes& times) const override {
      if constexpr (TimesGenerations<T>)
        return T::timed(times);
      else
        throw Error("task " + std::string(T::name), "it times no generations");
    }
    std::optional<std::string> reference([[maybe_unused]] const Sample& sample) const override {
      if constexpr (HasReferences<T>) return task.reference(sample);
      return std::nullopt;
    }
    T task;
  };

  std::shared_ptr<const Interface> task_;
};

/// task.grade(), whose Error then tells where the sample stands.
inline Grade grade_at(const std::string& where, const AnyTask& task, const Sample& sample, std::string_view predicted,
                      const AnswerReading& reading = {}) {
  try {
    return task.grade(sample, predicted, reading);
  } catch (const Error& error) {
    throw Error(where, error.what());
  }
}

}  // namespace kvx::inline v0
