#pragma once

#include <array>
#include <string_view>

namespace kvx::inline v0 {

/// What the task latency measures, with words for an axis.
struct TimeMetric {
  std::string_view name, words;
};
inline constexpr std::array<TimeMetric, 6> kTimeMetrics = {{{"prefill_time", "prefill time"},
                                                            {"ttft", "time to first token"},
                                                            {"tpot", "time per output token"},
                                                            {"throughput", "throughput"},
                                                            {"decode_time", "decode time"},
                                                            {"total_generation_time", "total generation time"}}};

}  // namespace kvx::inline v0
