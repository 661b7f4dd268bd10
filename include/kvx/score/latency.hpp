#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/statistics/better.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/statistics/quantile.hpp>
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

/// How long does the generation of one sequence take if no other is generated? A sample is a piece of a text: it is
/// prefilled and compressed, and a given number of tokens is generated after it, whatever they are. Times are in
/// seconds: prefill_time until the cache is compressed, ttft until the first token, decode_time from the first token to
/// the last, tpot for each token after the first, and total_generation_time for everything. throughput is the number of
/// tokens per second of the total time.
struct LatencyTask {
  static constexpr std::string_view name = "latency";
  static constexpr std::string_view example_data = "story.txt";

  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 6> kMetrics = {
        {{.name = "prefill_time", .better = Better::less, .unit = "s"},
         {.name = "ttft", .better = Better::less, .unit = "s"},
         {.name = "tpot", .better = Better::less, .unit = "s"},
         {.name = "throughput", .unit = "tokens/s"},
         {.name = "decode_time", .better = Better::less, .unit = "s"},
         {.name = "total_generation_time", .better = Better::less, .unit = "s"}}};
    return kMetrics;
  }
  /// The medians of the metrics, in the order of metrics().
  static std::span<const Metric> summary_metrics() {
    static constexpr std::array<Metric, 6> kMetrics = {
        {{.name = "prefill_time_median",
          .better = Better::less,
          .unit = "s",
          .words = "prefill time",
          .head = "prefill"},
         {.name = "ttft_median", .better = Better::less, .unit = "s", .words = "time to first token", .head = "TTFT"},
         {.name = "tpot_median",
          .better = Better::less,
          .role = Role::token_time,
          .unit = "s",
          .words = "time per output token",
          .head = "TPOT"},
         {.name = "throughput_median", .unit = "tokens/s", .words = "throughput"},
         {.name = "decode_time_median", .better = Better::less, .unit = "s", .words = "decode time", .head = "decode"},
         {.name = "total_generation_time_median",
          .better = Better::less,
          .unit = "s",
          .words = "total generation time",
          .head = "total"}}};
    return kMetrics;
  }
  static std::span<const State> states() {
    static constexpr std::array<State, 1> kStates = {{{"timed"}}};
    return kStates;
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

  /// The median of each metric, with its quartiles as the ends of its interval. With fewer than two contexts there is
  /// no interval. Throws Error if a run lacks a metric.
  std::vector<Estimate> summaries(std::span<const Grade> runs) const {
    std::vector<Estimate> medians;
    std::set<std::string> contexts;
    for (std::size_t i = 0; i < runs.size(); ++i) contexts.insert(context_of(runs[i], i));
    for (std::size_t m = 0; m < metrics().size(); ++m) {
      std::vector<double> values;
      for (const Grade& run : runs) {
        if (!run.metrics[m]) throw Error("task latency", "a run: missing its " + std::string(metrics()[m].name));
        values.push_back(*run.metrics[m]);
      }
      std::sort(values.begin(), values.end());
      Estimate& median = medians.emplace_back(
          Estimate{std::string(summary_metrics()[m].name), quantile(values, 0.5), values.size(), contexts.size()});
      if (contexts.size() < 2) continue;
      median.low = quantile(values, 0.25);
      median.high = quantile(values, 0.75);
    }
    return medians;
  }
};
static_assert(TimesGenerations<LatencyTask> && SummarizesGrades<LatencyTask>);

}  // namespace kvx::inline v0
