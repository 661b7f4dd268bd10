#pragma once

#include <kvx/eval/records/record.hpp>
#include <kvx/score/task.hpp>

#include <optional>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// The grade of a sample that a press cannot serve, for the reason `why`.
inline Grade not_applicable(const AnyTask& task, const std::string& why) {
  return {std::string(kNotApplicable), std::vector<std::optional<double>>(task.metrics().size(), std::nullopt), why};
}

}  // namespace kvx::inline v0
