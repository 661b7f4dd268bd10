#pragma once

#include <kvx/press/policy.hpp>

#include <cmath>

namespace kvx::inline v0::detail {

/// The number of rows that kv-canary keeps for a ratio, summed over the KV heads: rounded to the nearest, halves to
/// even, and possibly 0. kvpress rounds down instead.
inline Index rounded_rows(const Budget& budget, const PressInput& in) {
  if (budget.exact) return in.kv_heads() * budget.keep;
  return in.kv_heads() * static_cast<Index>(std::nearbyint((1 - budget.ratio) * static_cast<double>(in.tokens())));
}

}  // namespace kvx::inline v0::detail
