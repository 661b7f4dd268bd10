#pragma once

#include <kvx/score/statistics/clustered.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// Values grouped by the context that they are about. Contexts are in the order of their first values.
class ContextValues {
 public:
  void add(const std::string& context, double value) {
    const auto [found, is_new] = indices_.try_emplace(context, contexts_.size());
    if (is_new) contexts_.emplace_back();
    contexts_[found->second].add(value);
    verdicts_ = verdicts_ && (value == 0 || value == 1);
  }

  std::span<const Cluster> contexts() const { return contexts_; }
  /// Whether all values are 0 or 1, so that they can be failures and passes.
  bool verdicts() const { return verdicts_; }

 private:
  std::map<std::string, std::size_t> indices_;
  std::vector<Cluster> contexts_;
  bool verdicts_ = true;
};

}  // namespace kvx::inline v0
