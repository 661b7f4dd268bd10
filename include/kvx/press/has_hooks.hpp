#pragma once

#include <kvx/press/traits.hpp>

#include <type_traits>

// The concepts Has... are satisfied if a policy has a member with the name of the hook, whatever its signature. If they
// tested whether a call compiles, a hook with a wrong signature would be silently ignored.

namespace kvx::inline v0 {

namespace detail {

struct HookNames {
  int needs, score, rows, select, score_ranges, ranges_needs, ranges_quota, edit_queries, edit, edits, select_layers,
      protected_rows, decoding, sliding_threshold, quantization, draws, load, validate, traits, kvpress_name,
      kvpress_variant;
};

/// Naming a member of this class is ambiguous, hence an error, if the policy has a member with the same name.
template <class P>
struct HookProbe : P, HookNames {};
template <class P>
struct TraitProbe : P, Traits {};

}  // namespace detail

// clang-format off
template <class P> concept NotFinal = !std::is_final_v<P>;
template <class P> concept HasNeeds = !requires { &detail::HookProbe<P>::needs; };
template <class P> concept HasScore = !requires { &detail::HookProbe<P>::score; };
template <class P> concept HasRows = !requires { &detail::HookProbe<P>::rows; };
template <class P> concept HasSelect = !requires { &detail::HookProbe<P>::select; };
template <class P> concept HasScoreRanges = !requires { &detail::HookProbe<P>::score_ranges; };
template <class P> concept HasRangesNeeds = !requires { &detail::HookProbe<P>::ranges_needs; };
template <class P> concept HasRangesQuota = !requires { &detail::HookProbe<P>::ranges_quota; };
template <class P> concept HasEditQueries = !requires { &detail::HookProbe<P>::edit_queries; };
template <class P> concept HasEdit = !requires { &detail::HookProbe<P>::edit; };
template <class P> concept HasEdits = !requires { &detail::HookProbe<P>::edits; };
template <class P> concept HasSelectLayers = !requires { &detail::HookProbe<P>::select_layers; };
template <class P> concept HasProtectedRows = !requires { &detail::HookProbe<P>::protected_rows; };
template <class P> concept HasDecoding = !requires { &detail::HookProbe<P>::decoding; };
template <class P> concept HasSlidingThreshold = !requires { &detail::HookProbe<P>::sliding_threshold; };
template <class P> concept HasQuantization = !requires { &detail::HookProbe<P>::quantization; };
template <class P> concept HasDraws = !requires { &detail::HookProbe<P>::draws; };
template <class P> concept HasLoad = !requires { &detail::HookProbe<P>::load; };
template <class P> concept HasValidate = !requires { &detail::HookProbe<P>::validate; };
template <class P> concept HasTraits = !requires { &detail::HookProbe<P>::traits; };
template <class P> concept HasKvpressVariant = !requires { &detail::HookProbe<P>::kvpress_variant; };
template <class P> concept HasKvpressName = !requires { &detail::HookProbe<P>::kvpress_name; };
// clang-format on

/// The policy has no member with the name of a trait: such a member would be ignored, since traits are set in traits().
template <class P>
concept TraitsAreNoMembers = requires {
                               &detail::TraitProbe<P>::scores_by_budget;
                               &detail::TraitProbe<P>::own_budget;
                               &detail::TraitProbe<P>::by_ratio;
                               &detail::TraitProbe<P>::dense_positions;
                               &detail::TraitProbe<P>::by_position;
                               &detail::TraitProbe<P>::row_wise;
                               &detail::TraitProbe<P>::ragged;
                               &detail::TraitProbe<P>::outermost;
                               &detail::TraitProbe<P>::wraps_outermost;
                               &detail::TraitProbe<P>::follows;
                             };

}  // namespace kvx::inline v0
