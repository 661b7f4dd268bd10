#pragma once

#include <kvx/press/allowance.hpp>
#include <kvx/press/select.hpp>

#include <utility>

namespace kvx::inline v0 {

/// A policy with an allowance, ready for one layer after the other:
///
///     const Press<SnapKV> press(0.5, {.window = 32});
///     const Kept kept = press.select(input);  // then compact(keys, kept), compact(values, kept)
template <ScorePolicy P>
class Press {
 public:
  /// Removes the share `ratio` of the rows. Throws Error for a ratio outside [0, 1) or a parameter out of its range.
  explicit Press(double ratio, P policy = {}) : Press(Allowance::of_ratio(ratio), std::move(policy)) {}
  explicit Press(Allowance allowance, P policy = {}) : allowance_(allowance), policy_(std::move(policy)) {
    if constexpr (requires { policy_.validate(); }) policy_.validate();
  }

  /// What `select` has to be given beside keys and values.
  Needs needs() const { return policy_.needs(); }
  /// The rows of one layer that stay. Throws Error when the input lacks what the policy needs, NotApplicable when the
  /// context is too short for it.
  Kept select(const PressInput& in) const { return kvx::select(policy_, in, allowance_); }

 private:
  Allowance allowance_;
  [[no_unique_address]] P policy_;  // most have no members, and GCC 12 warns of reading those
};

}  // namespace kvx::inline v0
