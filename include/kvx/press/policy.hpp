#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/press/policy_hooks.hpp>
#include <kvx/press/press_input.hpp>

#include <concepts>
#include <string_view>

namespace kvx::inline v0 {

template <class P>
concept HasName = requires {
                    { P::name } -> std::convertible_to<std::string_view>;
                  };

/// A policy that evicts by score. It may say more, by members that are looked for where they matter:
///
///     Index rows(const Budget&, const PressInput&) const;  // of a layer, over its KV heads: the most that stay
///     Kept select(const PressInput&, MatrixView<const float> scores, const Budget&) const;  // unless each head's best
///     void score_ranges(const PressInput&, const Budget&, const Ranges&, Scores) const;  // for Fair, unless score()
///     Needs ranges_needs() const;  // what that needs, unless needs()
///     bool ranges_quota() const;   // false where its scores share out the budget: else each range has a quota
///     Index edit_queries() const;
///     void edit(const PressInput&, Index head, std::span<const Index> kept, HeadRows) const;
///         // rewrites what stays; the input has all rows, inv_freq, and the last edit_queries() queries
///     std::vector<Kept> select_layers(std::span<const Matrix<float>> scores, const Budget&) const;
///         // of a whole model at once, where all layers have been scored; select() is for those who have one
///     Index protected_rows() const;  // rows of a head that always stay, such as sinks; a budget needs room for them
///     const Decoding* decoding() const;  // what happens while answers are decoded, if anything
///     std::optional<SlidingThreshold> sliding_threshold() const;  // if single rows are evicted while decoding
///     std::optional<CacheQuantization> quantization() const;  // how what stays is stored, unless whole
///     bool draws() const;  // whether it uses its member `seed`, which a run may set; default: true
///     void load(const TensorReader&);  // reads the files that its parameters name
///     static constexpr KvpressVariant kvpress_variant = {...};  // kvpress's name for it with another default
///     static constexpr bool scores_by_budget = true;  // otherwise a grid scores once for all its ratios
///     static constexpr bool own_budget = true;        // its parameters decide how much stays, whatever the budget
///     static constexpr bool by_ratio = true;          // it needs a ratio, since it cannot keep a number of rows
///     static constexpr bool dense_positions = true;   // edit() numbers the rows anew, and the question goes on there
///     static constexpr bool by_position = true;       // uses the tokens' positions in the context
///     static constexpr bool row_wise = true;          // a row's score depends on that row alone
///     static constexpr bool ragged = true;            // heads of a layer keep different numbers of rows
///     static constexpr bool outermost = true;         // no adapter can wrap it, unless that says `wraps_outermost`
///     static constexpr bool follows = true;           // written behind what it wraps: `snapkv+int4`
///
/// An adapter holds the policy that it wraps as its member `inner`. A member with one of these names but another
/// declaration does not compile; see policy_hooks.hpp.
template <class P>
concept ScorePolicy = HasName<P> && requires(const P p, const PressInput in, const Budget b, Scores out) {
                                      { p.needs() } -> std::same_as<Needs>;
                                      { p.score(in, b, out) } -> std::same_as<void>;
                                    } && HooksFit<P>;

/// A policy that a registry can hold: it names its paper ("" for none) and its parameters, a tuple of Parameter.
template <class P>
concept RegistrablePolicy =
    ScorePolicy<P> && std::default_initializable<P> && requires {
                                                         { P::paper } -> std::convertible_to<std::string_view>;
                                                         P::parameters();
                                                       };

/// What a policy declares about itself, or inherits from the one that it wraps.
struct Traits {
  bool scores_by_budget = false, own_budget = false, by_ratio = false, dense_positions = false, by_position = false,
       row_wise = false, ragged = false, outermost = false;
  bool selects = false, selects_layers = false, edits = false;  ///< it has members of its own for that

  /// Whether all that it does is score.
  bool only_scores() const { return !selects && !edits && !own_budget; }
};

template <class P>
Traits traits(const P& policy) {
  if constexpr (requires {
                  { policy.traits() } -> std::same_as<Traits>;
                }) {
    return policy.traits();
  } else {
    Traits all;
    if constexpr (requires { policy.inner; }) all = traits(policy.inner);
    all.row_wise = false;  // which an adapter does not inherit
    if constexpr (requires { requires P::row_wise; }) all.row_wise = true;
    if constexpr (requires { requires P::scores_by_budget; }) all.scores_by_budget = true;
    if constexpr (requires { requires P::own_budget; }) all.own_budget = true;
    if constexpr (requires { requires P::by_ratio; }) all.by_ratio = true;
    if constexpr (requires { requires P::dense_positions; }) all.dense_positions = true;
    if constexpr (requires { requires P::by_position; }) all.by_position = true;
    if constexpr (requires { requires P::ragged; }) all.ragged = true;
    if constexpr (requires { requires P::outermost; }) all.outermost = true;
    if constexpr (HasSelectLayers<P>) all.selects_layers = true;
    if constexpr (HasSelect<P> || HasRows<P>) all.selects = true;
    if constexpr (HasEdit<P>) all.edits = true;
    return all;
  }
}

/// Scores each of the ranges by itself, in the policy's own way if it has one.
template <class P>
void score_ranges(const P& policy, const PressInput& in, const Budget& budget, const Ranges& ranges, Scores out) {
  if constexpr (requires { policy.score_ranges(in, budget, ranges, out); })
    policy.score_ranges(in, budget, ranges, out);
  else
    policy.score(in, budget, out);
}

/// The number of rows of a head that stay, whatever they score.
template <class P>
Index protected_rows(const P& policy) {
  if constexpr (requires { policy.protected_rows(); })
    return policy.protected_rows();
  else if constexpr (requires { policy.inner; })
    return protected_rows(policy.inner);
  else
    return 0;
}

/// A press of kvpress that equals a press of kvx with another default: `kvpress_variant` of a policy.
struct KvpressVariant {
  std::string_view name, parameter, value;
};

/// A parameter of a policy in its written form.
template <class P, class T>
struct Parameter {
  std::string_view name;
  T P::*member;
  std::string_view kvpress_name = {};  ///< accepted as well
};
template <class P, class T>
Parameter(std::string_view, T P::*) -> Parameter<P, T>;
template <class P, class T>
Parameter(std::string_view, T P::*, std::string_view) -> Parameter<P, T>;

}  // namespace kvx::inline v0
