#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/better.hpp>
#include <kvx/score/estimate.hpp>
#include <kvx/score/quantile.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// How long does one sequence take that is alone on the machine? A sample is a piece of a text: it is prefilled and
/// compressed, and so many tokens are generated after it, whatever they are. Times are in seconds: prefill_time until
/// the cache is compressed, ttft until the first token, decode_time from there to the last one, tpot of one of those,
/// total_generation_time of all; throughput is all tokens in the total time, per second.
struct LatencyTask {
  static constexpr std::string_view name = "latency";

  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 6> kNames = {"prefill_time", "ttft",        "tpot",
                                                               "throughput",   "decode_time", "total_generation_time"};
    return kNames;
  }

  static Better better(std::string_view figure) {
    return figure.starts_with("throughput") ? Better::more : Better::less;
  }

  static Grade timed(const GenerationTimes& times) {
    const auto tokens = static_cast<double>(times.tokens);
    const double total = times.first_token + times.decode;
    return {"timed",
            {times.prefill, times.first_token, times.decode / (tokens - 1), tokens / total, times.decode, total}};
  }

  Grade grade(const Sample&, std::string_view) const {
    throw Error("task latency", "generations are timed, there are no answers to grade");
  }

  /// The median of each metric, with its quartiles as the ends of its interval. Throws Error if a run lacks a metric.
  std::vector<Estimate> summaries(std::span<const Grade> runs) const {
    std::vector<Estimate> medians;
    std::set<std::string> contexts;
    for (std::size_t i = 0; i < runs.size(); ++i) contexts.insert(context_of(runs[i], i));
    for (std::size_t m = 0; m < metric_names().size(); ++m) {
      std::string summary = std::string(metric_names()[m]) + "_median";
      std::vector<double> values;
      for (const Grade& run : runs) {
        if (!run.metrics[m]) throw Error("task latency", "a run: missing its " + std::string(metric_names()[m]));
        values.push_back(*run.metrics[m]);
      }
      std::sort(values.begin(), values.end());
      medians.push_back({std::move(summary), quantile(values, 0.5), values.size(), contexts.size(),
                         quantile(values, 0.25), quantile(values, 0.75)});
    }
    return medians;
  }
};
static_assert(TimesGenerations<LatencyTask> && SummarizesGrades<LatencyTask>);

}  // namespace kvx::inline v0
