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

/// The policy has a static member `name`.
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

/// A policy: a class with a static member `name` and the member functions needs() and score(), and with any of the
/// other hooks that Hooks lists. It does not satisfy the concept if a member has the name of a hook but another
/// signature, or the name of a trait.
template <class P>
concept ScorePolicy = HasName<P> && NotFinal<P> && TraitsAreNoMembers<P> && detail::LoadFits<P> &&
                      detail::KvpressVariantFits<P> && detail::KvpressNameFits<P> &&
                      requires(const Hooks<P> policy, const PressInput& in, const Budget& budget, const Ranges& ranges,
                               Scores out, MatrixView<const float> scores, std::span<const Matrix<float>> layer_scores,
                               Index head, std::span<const Index> kept, HeadRows rows) {
                        { policy.needs() } -> std::same_as<Needs>;
                        { policy.score(in, budget, out) } -> std::same_as<void>;
                        { policy.rows(in, budget) } -> std::same_as<Index>;
                        { policy.select(in, budget, scores) } -> std::same_as<Kept>;
                        { policy.select_layers(budget, layer_scores) } -> std::same_as<std::vector<Kept>>;
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

/// A policy that a registry can hold. It also has a static member `paper` ("" if there is none) and a static function
/// parameters(), which returns a tuple of Parameter.
template <class P>
concept RegistrablePolicy =
    ScorePolicy<P> && std::default_initializable<P> && requires {
                                                         { P::paper } -> std::convertible_to<std::string_view>;
                                                         P::parameters();
                                                       };

/// A parameter of a policy: its name in the written form, and the data member that holds its value.
template <class P, class T>
struct Parameter {
  std::string_view name;
  T P::*member;
  std::string_view kvpress_name = {};  ///< kvpress's name for it, which is accepted, too
};
template <class P, class T>
Parameter(std::string_view, T P::*) -> Parameter<P, T>;
template <class P, class T>
Parameter(std::string_view, T P::*, std::string_view) -> Parameter<P, T>;

}  // namespace kvx::inline v0
