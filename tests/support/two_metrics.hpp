#pragma once

#include <kvx/score/metric.hpp>
#include <kvx/score/task.hpp>

#include <array>
#include <span>
#include <string_view>

/// The task `t` of grid_records().
struct TwoMetrics {
  static constexpr std::string_view name = "t";
  static std::span<const kvx::Metric> metrics() {
    static constexpr std::array<kvx::Metric, 2> kMetrics = {{{.name = "b"}, {.name = "a"}}};
    return kMetrics;
  }
  static std::span<const kvx::Metric> summary_metrics() {
    static constexpr std::array<kvx::Metric, 1> kMetrics = {{{.name = "half"}}};
    return kMetrics;
  }
  static std::span<const kvx::State> states() {
    static constexpr std::array<kvx::State, 2> kStates = {
        {{"exact", kvx::Verdict::good}, {"unparsed", kvx::Verdict::bad}}};
    return kStates;
  }
  kvx::Grade grade(const kvx::Sample&, std::string_view) const { return {"unparsed", {0, 0}}; }
  std::vector<kvx::Estimate> summaries(std::span<const kvx::Grade> grades) const {
    return {{"half", 0.5, grades.size(), grades.size(), 0.25, 0.75}};
  }
};
