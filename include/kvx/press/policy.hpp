#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/has_hooks.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/press_input.hpp>
#include <kvx/press/tensor_reader.hpp>
#include <kvx/press/traits.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

template <class P>
concept HasName = requires {
                    { P::name } -> std::convertible_to<std::string_view>;
                  };

namespace detail {

// clang-format off
template <class P> concept LoadFits = !HasLoad<P> ||
    requires(P policy, const TensorReader& read) { { policy.load(read) } -> std::same_as<void>; };
template <class P> concept KvpressVariantFits = !HasKvpressVariant<P> ||
    requires { { P::kvpress_variant } -> std::same_as<const KvpressVariant&>; };
template <class P> concept KvpressNameFits = !HasKvpressName<P> ||
    requires { { P::kvpress_name } -> std::convertible_to<std::string_view>; };
// clang-format on

}  // namespace detail

/// A policy that evicts by score. It has a name, needs() and score(), and may have the other hooks that Hooks lists. A
/// policy does not compile if it has a member with the name of a hook but another declaration, or with the name of a
/// trait.
template <class P>
concept ScorePolicy = HasName<P> && NotFinal<P> && TraitsAreNoMembers<P> && detail::LoadFits<P> &&
                      detail::KvpressVariantFits<P> && detail::KvpressNameFits<P> &&
                      requires(const Hooks<P> policy, const PressInput& in, const Budget& budget, const Ranges& ranges,
                               Scores out, MatrixView<const float> scores, std::span<const Matrix<float>> of_layers,
                               Index head, std::span<const Index> kept, HeadRows rows) {
                        { policy.needs() } -> std::same_as<Needs>;
                        { policy.score(in, budget, out) } -> std::same_as<void>;
                        { policy.rows(in, budget) } -> std::same_as<Index>;
                        { policy.select(in, budget, scores) } -> std::same_as<Kept>;
                        { policy.select_layers(budget, of_layers) } -> std::same_as<std::vector<Kept>>;
                        { policy.protected_rows() } -> std::same_as<Index>;
                        { policy.score_ranges(in, budget, ranges, out) } -> std::same_as<void>;
                        { policy.ranges_needs() } -> std::same_as<Needs>;
                        { policy.ranges_quota() } -> std::same_as<bool>;
                        { policy.edit(in, head, kept, rows) } -> std::same_as<void>;
                        { policy.edit_queries() } -> std::same_as<Index>;
                        { policy.edits() } -> std::same_as<bool>;
                        { policy.decoding() } -> std::same_as<const Decoding*>;
                        { policy.sliding_threshold() } -> std::same_as<std::optional<SlidingThreshold>>;
                        { policy.quantization() } -> std::same_as<std::optional<CacheQuantization>>;
                        { policy.validate() } -> std::same_as<void>;
                        { policy.draws() } -> std::same_as<bool>;
                        { policy.declared() } -> std::same_as<Traits>;
                      };

/// A policy that a registry can hold: it names its paper ("" for none) and its parameters, a tuple of Parameter.
template <class P>
concept RegistrablePolicy =
    ScorePolicy<P> && std::default_initializable<P> && requires {
                                                         { P::paper } -> std::convertible_to<std::string_view>;
                                                         P::parameters();
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
