#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/score/task.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Answers that wait to be graded in parallel, one per thread, since the program in an answer may run for seconds. The
/// grades are passed on in the order of the answers. If grading one answer throws, the other grades are passed on
/// before the exception is rethrown.
class PendingGrades {
 public:
  explicit PendingGrades(Threads& threads) : threads_(threads) {}

  /// Adds an answer, and grades all waiting answers if there is one for each thread.
  void add(std::function<Grade()> grade, std::function<void(Grade)> on_grade) {
    pending_.push_back({std::move(grade), std::move(on_grade)});
    if (static_cast<Index>(pending_.size()) >= threads_.count()) finish();
  }

  /// Grades all waiting answers. If grading one throws, the other grades are passed on first.
  void finish() {
    std::vector<Pending> pending = std::exchange(pending_, {});
    threads_.parallel_for(static_cast<Index>(pending.size()), 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        Pending& answer = pending[static_cast<std::size_t>(i)];
        try {
          answer.result = answer.grade();
        } catch (...) {
          answer.error = std::current_exception();
        }
      }
    });
    std::exception_ptr error;
    for (Pending& answer : pending) {
      if (!answer.error) answer.on_grade(std::move(answer.result));
      if (!error) error = answer.error;
    }
    if (error) std::rethrow_exception(error);
  }

 private:
  struct Pending {
    std::function<Grade()> grade;
    std::function<void(Grade)> on_grade;
    Grade result = {};
    std::exception_ptr error = {};
  };

  Threads& threads_;
  std::vector<Pending> pending_;
};

}  // namespace kvx::inline v0
