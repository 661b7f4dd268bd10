#pragma once

#include <kvx/press/policy.hpp>

#include <cmath>

namespace kvx::inline v0::detail {

/// The rows of all KV heads that kv-canary keeps of a ratio: rounded, half to even, where kvpress truncates, and
/// possibly none.
inline Index rounded_rows(const Budget& budget, const PressInput& in) {
  if (budget.exact) return in.kv_heads() * budget.keep;
  return in.kv_heads() * static_cast<Index>(std::nearbyint((1 - budget.ratio) * static_cast<double>(in.tokens())));
}

}  // namespace kvx::inline v0::detail
