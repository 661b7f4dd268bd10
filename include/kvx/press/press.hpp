#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/apply.hpp>
#include <kvx/press/hooks.hpp>
#include <kvx/press/parts/expect_scorer.hpp>
#include <kvx/press/policy.hpp>
#include <kvx/press/select.hpp>

#include <concepts>
#include <span>
#include <utility>

namespace kvx::inline v0 {

class AnyPolicy;

/// A policy with an allowance, for the cache of another engine, layer by layer:
///
///     const Press<Rerotate<SnapKV>> press(0.5, {{.window = 32}});
///     const Kept kept = press.apply(input, keys, values, positions);  // the rows that stay have moved to the front
///
/// Presses that also act while answers are decoded, such as quantizers and decoding(...), work only in kvx's own cache.
template <ScorePolicy P>
class Press {
  static_assert(std::same_as<P, AnyPolicy> || !(HasDecoding<P> || HasQuantization<P>),
                "this press also acts while answers are decoded, in kvx's own cache, which Press cannot do");

 public:
  /// Removes the share `ratio` of the rows. Throws Error if `ratio` is not in [0, 1) or a parameter is out of its
  /// range.
  explicit Press(double ratio, P policy = {}) : Press(Allowance::of_ratio(ratio), std::move(policy)) {}
  explicit Press(Allowance allowance, P policy = {}) : allowance_(allowance), policy_(std::move(policy)) {
    const Hooks hooks(policy_);
    hooks.validate();
    if (hooks.decoding() || hooks.sliding_threshold() || hooks.quantization())
      throw Error(detail::written_name(policy_),
                  "expected a press that does not act while answers are decoded, since Press has no cache");
  }

  /// The inputs that the press needs besides keys and values.
  Needs needs() const { return Hooks(policy_).needs() | Needs{.queries = Hooks(policy_).edit_queries()}; }
  /// The rows of one layer that stay, for a press that does not rewrite rows. Throws Error if the input lacks something
  /// that the policy needs, and NotApplicable if the context is too short for it.
  Kept select(const PressInput& in) const {
    static_assert(!HasEdit<P> || HasEdits<P>,
                  "this press rewrites the rows that stay, which select() cannot do: call apply()");
    if (Hooks(policy_).traits().edits)
      throw Error(P::name, "expected a press that does not rewrite rows, found one that does: call apply()");
    return kvx::select(policy_, in, allowance_);
  }
  /// Applies all steps of the press to one layer: selects rows, rewrites the rows that stay and moves them to the
  /// front; see apply_press(). Throws as select() does; then nothing has been changed.
  template <class T>
  Kept apply(const PressInput& in, TensorView<T> keys, TensorView<T> values, std::span<Position> positions) const {
    return apply_press(policy_, in, allowance_, keys, values, positions);
  }

 private:
  Allowance allowance_;
  [[no_unique_address]] P policy_;  // most policies have no members, and GCC 12 warns when those are read
};

}  // namespace kvx::inline v0
