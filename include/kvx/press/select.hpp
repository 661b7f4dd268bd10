#pragma once

#include <kvx/core/error.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/keep_rows.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// Throws Error unless the shapes of `in` fit together and it has everything in `needs`.
inline void check(std::string_view press, const Needs& needs, const PressInput& in) {
  const auto fail = [&](const std::string& what) { throw Error(press, what); };
  const auto require = [&](std::string_view field, Index expected, Index found) {
    if (expected != found)
      fail("PressInput::" + std::string(field) + ": expected " + std::to_string(expected) + ", found " +
           std::to_string(found));
  };
  if (in.keys.empty() || in.kv_heads() < 1 || in.tokens() < 1 || in.head_dim() < 1)
    fail("PressInput::keys: expected at least one row, found none");
  if (in.layers <= in.layer)
    fail("PressInput::layers: expected more than layer " + std::to_string(in.layer) + ", found " +
         std::to_string(in.layers));
  if (!in.positions.empty()) require("positions", in.kv_heads() * in.tokens(), static_cast<Index>(in.positions.size()));
  require("values.heads", in.kv_heads(), in.values.heads());
  require("values.tokens", in.tokens(), in.values.tokens());
  const auto check_queries = [&](std::string_view field, const TensorView<const float>& queries, Index tokens) {
    require(std::string(field) + ".tokens", tokens, queries.tokens());
    require(std::string(field) + ".head_dim", in.head_dim(), queries.head_dim());
    if (queries.heads() < 1 || queries.heads() % in.kv_heads() != 0)
      fail("PressInput::" + std::string(field) + ": expected a multiple of " + std::to_string(in.kv_heads()) +
           " heads, found " + std::to_string(queries.heads()));
  };
  if (needs.queries > 0) check_queries("queries", in.queries, std::min(needs.queries, in.tokens()));
  if (needs.pre_rope_queries) {
    check_queries("pre_rope_queries", in.pre_rope_queries, std::max(in.tokens(), in.pre_rope_queries.tokens()));
    require("inv_freq", in.head_dim() / 2, static_cast<Index>(in.inv_freq.size()));
  }
  if (needs.pre_rope_keys) {
    require("pre_rope_keys.heads", in.kv_heads(), in.pre_rope_keys.heads());
    require("pre_rope_keys.tokens", in.tokens(), in.pre_rope_keys.tokens());
    require("pre_rope_keys.head_dim", in.head_dim(), in.pre_rope_keys.head_dim());
  }
  if (needs.output_projection)
    check_queries("output_projection", in.output_projection, std::max<Index>(1, in.output_projection.tokens()));
  if (needs.repetition) require("repeated", in.kv_heads() * in.tokens(), static_cast<Index>(in.repeated.size()));
  const auto sums = static_cast<Index>(in.attention.size());
  if (needs.attention && (sums == 0 || sums % (in.kv_heads() * in.tokens()) != 0))
    fail("PressInput::attention: expected heads x " + std::to_string(in.tokens()) + " sums, found " +
         std::to_string(sums));
}

/// Throws NotApplicable if a row with the score kProtected is not kept.
inline void expect_protected(std::string_view press, MatrixView<const float> scores, const Kept& kept) {
  for (Index h = 0; h < scores.rows(); ++h) {
    const Index rows = (scores.row(h).array() == kProtected).count();
    if (rows == 0) continue;
    const auto& head = kept[static_cast<std::size_t>(h)];
    if (std::count_if(head.begin(), head.end(), [&](Index j) { return scores(h, j) == kProtected; }) < rows)
      throw NotApplicable(press, "a budget of " + std::to_string(head.size()) + " rows has no room for its " +
                                     std::to_string(rows) + " protected rows");
  }
}

/// Whether the budget has room for all rows, so that they need not be scored.
template <ScorePolicy P>
bool keeps_all(const P& policy, const PressInput& in, const Budget& budget) {
  return budget.keep >= in.tokens() && !Hooks(policy).traits().own_budget;
}

/// The rows that the policy selects by these scores. Throws NotApplicable if a protected row does not stay.
template <ScorePolicy P>
Kept select_scored(const P& policy, const PressInput& in, const Budget& budget, MatrixView<const float> scores) {
  Kept kept = Hooks(policy).select(in, budget, scores);
  expect_protected(P::name, scores, kept);
  return kept;
}

/// Scores the rows of one layer and returns those that stay. If all rows may stay, they are not scored. Throws Error if
/// the input lacks something that the policy needs, and NotApplicable if the context is too short for the policy.
template <ScorePolicy P>
Kept select(const P& policy, const PressInput& in, const Allowance& allowance) {
  check(P::name, Hooks(policy).needs(), in);
  return select_within(policy, allowance, budget_of(policy, allowance, in), in, [&](const Budget& budget) {
    if (keeps_all(policy, in, budget)) return keep_all(in.kv_heads(), in.tokens());
    Matrix<float> scores(in.kv_heads(), in.tokens());
    Hooks(policy).score(in, budget, view(scores));
    return select_scored(policy, in, budget, view(std::as_const(scores)));
  });
}

}  // namespace kvx::inline v0
