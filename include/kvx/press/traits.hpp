#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// The properties of a policy, which it declares in `Traits traits() const`. An adapter also has the traits of the
/// press that it wraps, except `row_wise`, `wraps_outermost` and `follows`.
struct Traits {
  bool scores_by_budget = false;  ///< score() depends on the budget; otherwise rows are scored once for all budgets
  bool own_budget = false;        ///< its parameters decide how many rows stay, and the budget is ignored
  bool by_ratio = false;          ///< the budget must be a ratio, not a number of rows or bytes
  bool dense_positions = false;   ///< edit() renumbers the rows from 0 on; later tokens get the positions after them
  bool by_position = false;       ///< it uses the tokens' positions in the context
  bool row_wise = false;          ///< the score of a row does not depend on other rows
  bool ragged = false;            ///< heads of a layer keep different numbers of rows
  bool outermost = false;         ///< no adapter can wrap it, except one with wraps_outermost
  bool wraps_outermost = false;   ///< an adapter that can wrap policies with outermost
  bool follows = false;           ///< an adapter whose name is written after the press that it wraps: `snapkv+int4`
  /// Whether the policy has select() or rows(), has select_layers(), and rewrites rows in edit(). Hooks sets these.
  bool selects = false, selects_layers = false, edits = false;

  /// Whether the policy only scores: Hooks then selects the rows by their scores and the budget.
  bool only_scores() const { return !selects && !edits && !own_budget && !outermost; }

  friend Traits operator|(const Traits& a, const Traits& b) {
    return {.scores_by_budget = a.scores_by_budget || b.scores_by_budget,
            .own_budget = a.own_budget || b.own_budget,
            .by_ratio = a.by_ratio || b.by_ratio,
            .dense_positions = a.dense_positions || b.dense_positions,
            .by_position = a.by_position || b.by_position,
            .row_wise = a.row_wise || b.row_wise,
            .ragged = a.ragged || b.ragged,
            .outermost = a.outermost || b.outermost,
            .wraps_outermost = a.wraps_outermost || b.wraps_outermost,
            .follows = a.follows || b.follows,
            .selects = a.selects || b.selects,
            .selects_layers = a.selects_layers || b.selects_layers,
            .edits = a.edits || b.edits};
  }
};

/// A press of kvpress that is a policy of kvx with another default, for the static member `kvpress_variant` of a
/// policy: kvpress's name, and the parameter of kvx with its value.
struct KvpressVariant {
  std::string_view name = {}, parameter = {}, value = {};
};

}  // namespace kvx::inline v0
