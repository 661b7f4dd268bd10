#pragma once

#include <kvx/score/grade.hpp>
#include <kvx/score/judged_text.hpp>

#include <functional>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// Grades the text of an answer.
using GradeFunction = std::function<Grade(std::string_view answer, const AnswerReading& reading)>;

/// Grades the answers to one sample, for which a task has prepared it; see AnyTask::prepare(). Copies share what was
/// prepared, and several threads may use it.
class SampleGrader {
 public:
  explicit SampleGrader(GradeFunction grade) : grade_(std::move(grade)) {}

  /// Grades the text that a model predicted after the sample's answer prefix. Throws Error if the task finds only now
  /// that the sample does not belong to it, or if it returns a state that it does not declare, but never because of
  /// the answer.
  Grade grade(std::string_view predicted, const AnswerReading& reading = {}) const {
    return grade_(predicted, reading);
  }

 private:
  GradeFunction grade_;
};

}  // namespace kvx::inline v0
