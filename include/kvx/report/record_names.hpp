#pragma once

#include <kvx/eval/degradation.hpp>
#include <kvx/eval/record.hpp>
#include <kvx/eval/results.hpp>
#include <kvx/report/report_data.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace kvx::inline v0 {

/// A record's task, as results.csv names it.
inline std::string report_task(const Record& record) { return CellResult{{}, record.task, record.sample.task}.label(); }

/// Whether the answer works: the first of kFunctionMetrics that its task has. None where that does not apply.
inline std::optional<bool> works(const Record& record) {
  for (const std::string_view metric : kFunctionMetrics)
    if (const auto found = record.metrics.find(std::string(metric)); found != record.metrics.end())
      return found->second ? std::optional(*found->second == 1) : std::nullopt;
  return std::nullopt;
}

}  // namespace kvx::inline v0
