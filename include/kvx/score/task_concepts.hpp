#pragma once

#include <kvx/score/generation_times.hpp>
#include <kvx/score/grade.hpp>
#include <kvx/score/judged_text.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/statistics/estimate.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// A task that reads a sample once for all its answers: prepare() returns an object whose grade(answer) several threads
/// may call. The sample outlives the object. prepare() throws Error if the sample does not belong to the task.
template <class T>
concept PreparesSamples = requires(const T t, const Sample& sample, std::string_view answer) {
                            { t.prepare(sample).grade(answer) } -> std::same_as<Grade>;
                          };

/// A task: a value type that grades answers, which are texts that judged_text() made, by grade(sample, answer) or as
/// PreparesSamples. metrics() describes the values in Grade::metrics, in the same order. states() has all states that a
/// grade may have, in the order in which they are shown.
template <class T>
concept GradesAnswers = requires(const T t, const Sample& sample, std::string_view answer) {
                          { T::name } -> std::convertible_to<std::string_view>;
                          { T::metrics() } -> std::same_as<std::span<const Metric>>;
                          { T::states() } -> std::same_as<std::span<const State>>;
                          requires PreparesSamples<T> || requires {
                                                           { t.grade(sample, answer) } -> std::same_as<Grade>;
                                                         };
                        };

/// A task whose grades depend on an AnswerReading, the last argument of grade().
template <class T>
concept ReadsAnswers =
    requires(const T t, const Sample& sample, std::string_view answer, const AnswerReading& reading) {
      { t.grade(sample, answer, reading) } -> std::same_as<Grade>;
    } || requires(const T t, const Sample& sample, std::string_view answer, const AnswerReading& reading) {
           { t.prepare(sample).grade(answer, reading) } -> std::same_as<Grade>;
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

/// A task with summaries of all grades, in addition to the means of its metrics. summary_metrics() describes them.
template <class T>
concept SummarizesGrades = requires(const T t, std::span<const Grade> grades) {
                             { T::summary_metrics() } -> std::same_as<std::span<const Metric>>;
                             { t.summaries(grades) } -> std::same_as<std::vector<Estimate>>;
                           };

/// A task whose answers are judged in parts. part_metrics() describes the values of a part.
template <class T>
concept GradesParts = requires {
                        { T::part_metrics() } -> std::same_as<std::span<const Metric>>;
                      };

/// A task for which the model predicts a text instead of answering. predicted() makes a grade from the negative
/// log-likelihood of each token, its divergence from the base, and the number of tokens for which both find the same
/// token most likely.
template <class T>
concept PredictsTexts = requires(std::span<const double> nll, std::vector<double> kl, std::size_t same_top) {
                          { T::predicted(nll, kl, same_top) } -> std::same_as<Grade>;
                        };

/// A task that times generations. timed() makes a grade from the times of one generation; answers are not graded.
template <class T>
concept TimesGenerations = requires(const GenerationTimes& times) {
                             { T::timed(times) } -> std::same_as<Grade>;
                           };

/// A task that knows a right answer to each sample: reference() returns its text.
template <class T>
concept HasReferences = requires(const T t, const Sample& sample) {
                          { t.reference(sample) } -> std::same_as<std::string>;
                        };

/// A task that reads rows of other data sets as samples: row_forms() lists the forms of these rows.
template <class T>
concept HasRowForms = requires {
                        { T::row_forms() } -> std::same_as<std::span<const RowForm>>;
                      };

/// A task that reads samples from files by its own function. `text` is the contents of the file `path`.
template <class T>
concept ReadsFiles =
    requires(const T t, const std::string& path, const std::string& text, const SampleFileOptions& options) {
      { t.samples(path, text, options) } -> std::same_as<SampleFile>;
    };

/// A task whose contexts cannot be identified by their texts: context() names the context of a sample.
template <class T>
concept NamesContexts = requires(const T t, const Sample& sample) {
                          { t.context(sample) } -> std::same_as<std::string>;
                        };

/// A task whose grades depend on its options: settings() lists them as text, which becomes part of a record's key.
template <class T>
concept HasSettings = requires(const T t) {
                        { t.settings() } -> std::same_as<std::string>;
                      };

/// A task with a message for the user before answers are graded.
template <class T>
concept HasNotice = requires(const T t) {
                      { t.notice() } -> std::same_as<std::string>;
                    };

/// A task with example data: a path in kvx's folder of example data.
template <class T>
concept HasExampleData = requires {
                           { T::example_data } -> std::convertible_to<std::string_view>;
                         };

}  // namespace kvx::inline v0
