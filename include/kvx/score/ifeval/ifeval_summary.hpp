#pragma once

#include <kvx/score/context_values.hpp>
#include <kvx/score/share.hpp>
#include <kvx/score/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

inline constexpr std::size_t kLeastOfClass = 20;

}  // namespace detail

/// Figures over the instructions of all answers, where those about one context go together: the share that was
/// followed, strictly and loosely; and, strictly, that of the class of instructions that is followed least and of the
/// one that is followed most, since a mean hides that some are lost earlier than others. A class of fewer than 20 is
/// neither. The interval of the lowest class is that of a class that was not chosen for being so.
inline std::vector<Share> ifeval_summaries(std::span<const Grade> grades) {
  std::array<ContextValues, 2> pooled;           // strictly and loosely
  std::map<std::string, ContextValues> classes;  // of the answers that have instructions of that class
  for (std::size_t i = 0; i < grades.size(); ++i) {
    const std::string context = context_of(grades[i], i);
    for (const GradePart& part : grades[i].parts) {
      for (std::size_t v = 0; v < pooled.size(); ++v) pooled[v].add(context, part.values[v]);
      classes[part.group.substr(0, part.group.find(':'))].add(context, part.values[0]);
    }
  }
  std::erase_if(classes, [](const auto& named) { return values_in(named.second.contexts()) < detail::kLeastOfClass; });
  std::vector<Share> large;
  for (const auto& [name, followed] : classes) large.push_back(share_of(name, followed.contexts(), true));
  if (large.empty()) large.emplace_back();
  auto [low, high] =
      std::minmax_element(large.begin(), large.end(), [](const Share& a, const Share& b) { return a.value < b.value; });
  std::vector<Share> shares = {share_of("inst_strict", pooled[0].contexts(), true),
                               share_of("inst_loose", pooled[1].contexts(), true), *low, *high};
  shares[2].name = "class_low";
  shares[3].name = "class_high";
  return shares;
}

}  // namespace kvx::inline v0
