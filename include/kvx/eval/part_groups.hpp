#pragma once

#include <kvx/eval/record.hpp>
#include <kvx/eval/results_text.hpp>
#include <kvx/score/clustered.hpp>
#include <kvx/score/interval.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Where the driver writes them.
inline constexpr std::string_view kGroupsCsv = "groups.csv";
/// Parts, each counted once however often its sample was answered, from which on a group has intervals.
inline constexpr std::size_t kLeastParts = 20;

/// What the parts of one group of a cell's answers come to: one instruction, one class of instructions, one defence.
struct GroupResult {
  std::string model, task, data;  ///< the task, and the samples' column `task`
  CellName cell;
  std::string group, metric;
  std::size_t n = 0;         ///< parts of first answers
  std::size_t clusters = 0;  ///< what is independent of each other: samples, or what these name as their cluster
  Interval value = {};       ///< the mean over parts; its interval draws clusters as wholes
  std::optional<Interval> change = {};  ///< against the base, over the clusters that both have
};

namespace detail {

/// One group's parts in one cell, by cluster.
struct GroupSums {
  std::size_t n = 0;  // parts of first answers
  bool are_shares = true;
  std::map<std::string, Cluster> clusters = {};
};

/// Of each cluster that both have, the differences of its values from the base's mean there.
inline std::vector<Cluster> differences(const GroupSums& cell, const GroupSums& base) {
  std::vector<Cluster> all;
  for (const auto& [name, cluster] : cell.clusters) {
    const auto other = base.clusters.find(name);
    if (other == base.clusters.end()) continue;
    const double mean = other->second.sum / static_cast<double>(other->second.n);
    all.push_back({cluster.n, cluster.sum - mean * static_cast<double>(cluster.n)});
  }
  return all;
}

inline Interval bounded(Interval interval, std::size_t parts) {
  if (parts < kLeastParts) interval.low = interval.high = std::numeric_limits<double>::quiet_NaN();
  return interval;
}

}  // namespace detail

/// The groups of the parts that records have, in the order of their cells and by name. What stands before a colon in a
/// group's name is a group too, of all that begin so.
inline std::vector<GroupResult> part_groups(std::span<const Record> records) {
  using CellKey = std::tuple<std::string, std::string, std::string, CellName>;
  using Sums = std::map<std::pair<std::string, std::string>, detail::GroupSums>;  // by group and metric
  std::vector<std::pair<CellKey, Sums>> cells;
  std::map<CellKey, std::size_t> places;
  for (const Record& record : records) {
    if (record.parts.empty()) continue;
    const CellKey key = {record.model, record.task, record.sample.task, record.cell()};
    const auto [place, is_new] = places.try_emplace(key, cells.size());
    if (is_new) cells.push_back({key, {}});
    Sums& sums = cells[place->second].second;
    const std::string cluster = record.cluster.empty() ? std::to_string(record.index) : record.cluster;
    const auto add = [&](const std::string& group, const std::string& metric, double value) {
      detail::GroupSums& sum = sums[{group, metric}];
      sum.n += record.attempt == 0;
      sum.are_shares &= value == 0 || value == 1;
      sum.clusters[cluster].add(value);
    };
    for (const RecordPart& part : record.parts)
      for (const auto& [metric, value] : part.values) {
        add(part.group, metric, value);
        if (const auto colon = part.group.find(':'); colon != part.group.npos)
          add(part.group.substr(0, colon), metric, value);
      }
  }
  std::vector<GroupResult> results;
  for (const auto& [key, sums] : cells) {
    const auto& [model, task, data, cell] = key;
    const auto base = places.find({model, task, data, CellName{std::string(kNoPress)}});
    const Sums* others =
        base == places.end() || &cells[base->second].second == &sums ? nullptr : &cells[base->second].second;
    for (const auto& [name, sum] : sums) {
      GroupResult result{model, task, data, cell, name.first, name.second, sum.n, sum.clusters.size()};
      std::vector<Cluster> clusters;
      for (const auto& [of, cluster] : sum.clusters) clusters.push_back(cluster);
      result.value = detail::bounded(sum.are_shares ? clustered_share(clusters) : clustered_mean(clusters), sum.n);
      if (const auto other = others == nullptr ? sums.end() : others->find(name);
          others != nullptr && other != others->end()) {
        const std::vector<Cluster> changes = detail::differences(sum, other->second);
        if (!changes.empty())
          result.change = detail::bounded(clustered_mean(changes), std::min(sum.n, other->second.n));
      }
      results.push_back(std::move(result));
    }
  }
  return results;
}

/// One line a cell, group and metric.
inline std::string groups_csv(std::span<const GroupResult> groups) {
  std::string text =
      "model,press,compression_ratio,task,group,metric,value,n,clusters,low,high,change,change_low,change_high\n";
  for (const GroupResult& of : groups) {
    const Interval change = of.change.value_or(Interval());
    text += detail::csv_line(
        {detail::csv_field(of.model), detail::csv_field(of.cell.label()), detail::csv_field(of.cell.ratio),
         detail::csv_field(data_label(of.task, of.data)), detail::csv_field(of.group), detail::csv_field(of.metric),
         detail::csv_field(of.value.value), std::to_string(of.n), std::to_string(of.clusters),
         detail::csv_field(of.value.low), detail::csv_field(of.value.high), detail::csv_field(change.value),
         detail::csv_field(change.low), detail::csv_field(change.high)});
  }
  return text;
}

}  // namespace kvx::inline v0
