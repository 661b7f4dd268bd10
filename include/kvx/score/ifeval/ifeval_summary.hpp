#pragma once

#include <kvx/score/clustered.hpp>
#include <kvx/score/interval.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/wilson.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline constexpr std::size_t kLeastOfClass = 20;

inline Share share_followed(std::string name, std::span<const Cluster> answers) {
  const Interval interval = clustered_share(answers);
  return {std::move(name), interval.value, values_in(answers), interval.low, interval.high};
}

}  // namespace detail

/// Figures over the instructions of all answers, where those of one answer go together: the share that was followed,
/// strictly and loosely; and, strictly, that of the class of instructions that is followed least and of the one that is
/// followed most, since a mean hides that some are lost earlier than others. A class of fewer than 20 is neither. The
/// interval of the lowest class is that of a class that was not chosen for being so.
inline std::vector<Share> ifeval_summaries(std::span<const Grade> grades) {
  std::array<std::vector<Cluster>, 2> pooled;           // strictly and loosely
  std::map<std::string, std::vector<Cluster>> classes;  // of the answers that have instructions of that class
  for (const Grade& grade : grades) {
    if (grade.parts.empty()) continue;
    std::array<Cluster, 2> all;
    std::map<std::string, Cluster> by_class;
    for (const GradePart& part : grade.parts) {
      for (std::size_t i = 0; i < all.size(); ++i) all[i].add(part.values[i]);
      by_class[part.group.substr(0, part.group.find(':'))].add(part.values[0]);
    }
    for (std::size_t i = 0; i < all.size(); ++i) pooled[i].push_back(all[i]);
    for (const auto& [name, followed] : by_class) classes[name].push_back(followed);
  }
  std::erase_if(classes, [](const auto& named) { return values_in(named.second) < detail::kLeastOfClass; });
  std::vector<Share> large;
  for (const auto& [name, answers] : classes) large.push_back(detail::share_followed(name, answers));
  if (large.empty()) large.push_back(wilson("", 0, 0));
  auto [low, high] =
      std::minmax_element(large.begin(), large.end(), [](const Share& a, const Share& b) { return a.value < b.value; });
  std::vector<Share> shares = {detail::share_followed("inst_strict", pooled[0]),
                               detail::share_followed("inst_loose", pooled[1]), *low, *high};
  shares[2].name = "class_low";
  shares[3].name = "class_high";
  return shares;
}

}  // namespace kvx::inline v0
