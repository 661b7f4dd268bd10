#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// The properties that a policy declares in `Traits traits() const`. An adapter's traits are added to those of the
/// press inside; `row_wise`, `wraps_outermost` and `follows` are not inherited.
struct Traits {
  bool scores_by_budget = false;  ///< score() depends on the budget; otherwise a grid scores once for all ratios
  bool own_budget = false;        ///< its parameters decide how much stays, whatever the budget
  bool by_ratio = false;          ///< it needs a ratio, since it cannot keep a number of rows
  bool dense_positions = false;   ///< edit() renumbers the rows, and the question's positions follow theirs
  bool by_position = false;       ///< it uses the tokens' positions in the context
  bool row_wise = false;          ///< a row's score depends on that row alone
  bool ragged = false;            ///< heads of a layer keep different numbers of rows
  bool outermost = false;         ///< no adapter can wrap it, except one that `wraps_outermost`
  bool wraps_outermost = false;
  bool follows = false;  ///< an adapter whose name is written after the press that it wraps: `snapkv+int4`
  /// Whether the policy has select() or rows(), has select_layers(), and rewrites rows in edit(). Hooks sets these.
  bool selects = false, selects_layers = false, edits = false;

  /// Whether all that it does is score.
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

/// A press of kvpress that equals a press of kvx with another default: `kvpress_variant` of a policy.
struct KvpressVariant {
  std::string_view name = {}, parameter = {}, value = {};
};

}  // namespace kvx::inline v0
