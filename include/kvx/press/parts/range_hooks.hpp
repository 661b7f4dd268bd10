#pragma once

#include <kvx/press/policy.hpp>

namespace kvx::inline v0 {

/// What score_ranges() needs of a policy: `Needs ranges_needs() const`, or else what score() does.
template <class P>
Needs ranges_needs(const P& policy) {
  if constexpr (requires { policy.ranges_needs(); }) return policy.ranges_needs();
  return policy.needs();
}

/// Whether each range keeps the best rows of its own, or the scores of score_ranges() share out the budget:
/// `bool ranges_quota() const`.
template <class P>
bool ranges_quota(const P& policy) {
  if constexpr (requires { policy.ranges_quota(); }) return policy.ranges_quota();
  return true;
}

}  // namespace kvx::inline v0
