#pragma once

#include <kvx/score/metric.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

/// The metrics of a grade, given by name. Those that are not named do not apply. Throws std::out_of_range for a name
/// that `metrics` lacks.
inline std::vector<std::optional<double>> metrics_of(
    std::span<const kvx::Metric> metrics,
    std::initializer_list<std::pair<std::string_view, std::optional<double>>> named) {
  std::vector<std::optional<double>> values(metrics.size());
  for (const auto& [name, value] : named)
    values.at(static_cast<std::size_t>(std::ranges::find(metrics, name, &kvx::Metric::name) - metrics.begin())) = value;
  return values;
}
