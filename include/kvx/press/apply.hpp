#pragma once

#include <kvx/cache/compact.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// Throws Error if the input lacks something that the policy's edit() uses.
template <class P>
void check_edit(const P& policy, const PressInput& in) {
  const auto require = [&](const std::string& field, Index expected, Index found) {
    if (found < expected)
      throw Error(P::name, "PressInput::" + field + ": expected " + std::to_string(expected) + ", found " +
                               std::to_string(found));
  };
  require("queries.tokens", std::min(Hooks(policy).edit_queries(), in.tokens()), in.queries.tokens());
  if (Hooks(policy).traits().dense_positions)
    require("inv_freq", in.head_dim() / 2, static_cast<Index>(in.inv_freq.size()));
}

/// The input with `positions` as the positions of its rows; unchanged if these are 0, 1, 2, ... in each head.
inline PressInput at_positions(PressInput in, std::span<const Position> positions) {
  bool consecutive = in.positions.empty();
  for (std::size_t i = 0; i < positions.size() && consecutive; ++i)
    consecutive = Index{positions[i]} == static_cast<Index>(i) % in.tokens();
  if (consecutive) return in;
  in.positions = positions;
  in.context = std::max(in.context, Index{*std::max_element(positions.begin(), positions.end())} + 1);
  return in;
}

}  // namespace detail

/// Applies all steps of a policy to one layer of another engine's cache: selects rows, rewrites the rows that stay, and
/// moves them to the front. `keys` and `values`, [kv_heads, tokens, head_dim], hold the rows that `in` describes, and
/// may be the same memory as `in.keys` and `in.values`. `positions`, [kv_heads, tokens], are the positions that the
/// keys have been rotated by.
///
/// Returns the rows that stay, a list for each head. Afterwards row i of a head is row i of this list, rewritten, and
/// positions[i] of the head is its position. The rows after the last one of the list are left as they are. Give the
/// next token the position after the highest one in any layer and head. Throws Error if the input lacks something that
/// the policy needs or has another shape, and NotApplicable if the context is too short for the policy; in both cases
/// nothing is changed.
template <class T, ScorePolicy P>
Kept apply_press(const P& policy, const PressInput& in, const Allowance& allowance, TensorView<T> keys,
                 TensorView<T> values, std::span<Position> positions) {
  check(P::name, {}, in);
  const Index tokens = in.tokens(), dim = in.head_dim();
  for (const TensorView<T>* rows : {&keys, &values})
    if (rows->heads() != in.kv_heads() || rows->tokens() != tokens || rows->head_dim() != dim)
      throw Error(P::name, "apply: expected keys and values of PressInput's shape, found another shape");
  if (static_cast<Index>(positions.size()) != in.kv_heads() * tokens)
    throw Error(P::name, "apply: positions: expected " + std::to_string(in.kv_heads() * tokens) + ", found " +
                             std::to_string(positions.size()));
  const PressInput positioned = detail::at_positions(in, positions);
  const bool edits = Hooks(policy).traits().edits;
  if (edits) detail::check_edit(policy, positioned);
  const Kept kept = select(policy, with_queries(positioned, Hooks(policy).needs().queries), allowance);

  std::vector<Position> kept_positions(positions.begin(), positions.end());
  for (Index h = 0; h < in.kv_heads(); ++h) {
    Index to = h * tokens;
    for (const Index j : kept[static_cast<std::size_t>(h)])
      kept_positions[static_cast<std::size_t>(to++)] = positions[static_cast<std::size_t>(h * tokens + j)];
  }
  // All heads are rewritten before any is stored, since the policy may read rows that are in `keys` and `values`.
  std::vector<Matrix<float>> kept_keys, kept_values;
  const PressInput edit_input = with_queries(positioned, Hooks(policy).edit_queries());
  for (Index h = 0; edits && h < in.kv_heads(); ++h) {
    const auto& rows = kept[static_cast<std::size_t>(h)];
    const auto count = static_cast<Index>(rows.size());
    Matrix<float>& head_keys = kept_keys.emplace_back(count, dim);
    Matrix<float>& head_values = kept_values.emplace_back(count, dim);
    for (Index j = 0; j < count; ++j) {
      head_keys.row(j) = in.keys.head(h).row(rows[static_cast<std::size_t>(j)]);
      head_values.row(j) = in.values.head(h).row(rows[static_cast<std::size_t>(j)]);
    }
    Hooks(policy).edit(edit_input, h, rows,
                       {view(head_keys), view(head_values),
                        std::span(kept_positions).subspan(static_cast<std::size_t>(h * tokens), rows.size())});
  }
  std::copy(kept_positions.begin(), kept_positions.end(), positions.begin());
  if (!edits) {
    compact(keys, kept);
    compact(values, kept);
    return kept;
  }
  for (Index h = 0; h < in.kv_heads(); ++h)
    for (Index j = 0; j < static_cast<Index>(kept[static_cast<std::size_t>(h)].size()); ++j)
      for (Index d = 0; d < dim; ++d) {
        keys.row(h, j)[d] = static_cast<T>(kept_keys[static_cast<std::size_t>(h)](j, d));
        values.row(h, j)[d] = static_cast<T>(kept_values[static_cast<std::size_t>(h)](j, d));
      }
  return kept;
}

}  // namespace kvx::inline v0
