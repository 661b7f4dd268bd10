#pragma once

#include <kvx/score/task.hpp>

#include <array>
#include <span>
#include <string>
#include <string_view>

/// The task `t` of grid_records().
struct TwoMetrics {
  static constexpr std::string_view name = "t";
  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 2> kNames = {"b", "a"};
    return kNames;
  }
  kvx::Grade grade(const kvx::Sample&, std::string_view answer) const { return {std::string(answer), {0, 0}}; }
  std::vector<kvx::Estimate> summaries(std::span<const kvx::Grade> grades) const {
    return {{"half", 0.5, grades.size(), grades.size(), 0.25, 0.75}};
  }
};
