#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/has_hooks.hpp>
#include <kvx/press/keep_rows.hpp>
#include <kvx/press/press_input.hpp>
#include <kvx/press/traits.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

class AnyPolicy;
struct Decoding;

/// All hooks of a policy. Each function calls the policy's member function of the same name. If the policy does not
/// have it but is an adapter, the hook of the wrapped press is called: that is the policy's member `inner`, or what its
/// member function `wrapped()` returns. Otherwise the function returns the default. Holds a reference to the policy.
///
/// A hook is a const member function of the policy with the same parameters and result type as here. `needs()` and
/// `score()` have no default. Three more members are used elsewhere: `void load(const TensorReader&)` reads the files
/// that parameters name, and `static constexpr std::string_view kvpress_name` and `static constexpr KvpressVariant
/// kvpress_variant` are kvpress's names for the policy.
template <class P>
class Hooks {
  static constexpr bool kByFunction = requires(const P p) { p.wrapped(); },
                        kWraps = kByFunction || requires(const P p) { p.inner; };

 public:
  explicit Hooks(const P& policy) : policy_(policy) {}

  /// The inputs that score() uses besides keys and values.
  auto needs() const {
    if constexpr (HasNeeds<P> || !kWraps)
      return policy_.needs();
    else
      return inner().needs();
  }
  /// Writes the scores of a layer's rows to `out`, [kv_heads, tokens]. By default the rows with the highest scores
  /// stay.
  auto score(const PressInput& in, const Budget& budget, Scores out) const {
    if constexpr (HasScore<P> || !kWraps)
      return policy_.score(in, budget, out);
    else
      return inner().score(in, budget, out);
  }
  /// The largest number of rows of a layer that may stay, summed over its KV heads. By default `budget.keep` per head.
  auto rows(const PressInput& in, const Budget& budget) const {
    if constexpr (HasRows<P>)
      return policy_.rows(in, budget);
    else if constexpr (kWraps)
      return inner().rows(in, budget);
    else
      return budget.keep * in.kv_heads();
  }
  /// The rows of a layer that stay. By default, rows() / kv_heads rows of each head, those with the highest scores.
  auto select(const PressInput& in, const Budget& budget, MatrixView<const float> scores) const {
    if constexpr (HasSelect<P>)
      return policy_.select(in, budget, scores);
    else if constexpr (kWraps && !HasRows<P>)
      return inner().select(in, budget, scores);
    else
      return keep_best(scores, rows(in, budget) / in.kv_heads());
  }
  /// The rows of all layers that stay, chosen after all layers have been scored. If a policy has this hook,
  /// traits().selects_layers is true, and select() is only used where a single layer is compressed. By default it is
  /// not used.
  auto select_layers(const Budget& budget, std::span<const Matrix<float>> scores) const {
    if constexpr (HasSelectLayers<P>)
      return policy_.select_layers(budget, scores);
    else if constexpr (kWraps)
      return inner().select_layers(budget, scores);
    else
      return std::vector<Kept>();
  }
  /// The number of rows of a head that always stay, such as sinks. By default 0. A target of decoding(...) must be
  /// larger.
  auto protected_rows() const {
    if constexpr (HasProtectedRows<P>)
      return policy_.protected_rows();
    else if constexpr (kWraps)
      return inner().protected_rows();
    else
      return Index{0};
  }

  /// Scores each of two ranges of the context separately, for Fair. By default score(), also for adapters.
  auto score_ranges(const PressInput& in, const Budget& budget, const Ranges& ranges, Scores out) const {
    if constexpr (HasScoreRanges<P>)
      return policy_.score_ranges(in, budget, ranges, out);
    else
      return score(in, budget, out);
  }
  /// The inputs that score_ranges() uses. By default needs().
  auto ranges_needs() const {
    if constexpr (HasRangesNeeds<P>)
      return policy_.ranges_needs();
    else
      return needs();
  }
  /// Whether each range keeps its own best rows, in proportion to its tokens (the default), or both ranges together
  /// keep their best rows.
  auto ranges_quota() const {
    if constexpr (HasRangesQuota<P>)
      return policy_.ranges_quota();
    else
      return true;
  }

  /// Rewrites `rows`, which are the rows `kept` of KV head `head`. The input has all rows of the layer, inv_freq, and
  /// the last edit_queries() queries. By default nothing is rewritten.
  auto edit(const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) const {
    if constexpr (HasEdit<P>)
      return policy_.edit(in, head, kept, rows);
    else if constexpr (kWraps)
      return inner().edit(in, head, kept, rows);
  }
  /// The number of last queries that edit() uses. By default 0.
  auto edit_queries() const {
    if constexpr (HasEditQueries<P>)
      return policy_.edit_queries();
    else if constexpr (kWraps && !HasEdit<P>)
      return inner().edit_queries();
    else
      return Index{0};
  }
  /// Whether edit() changes anything. By default, whether the policy has edit() or wraps a press that rewrites rows.
  /// traits().edits has the same value.
  auto edits() const {
    if constexpr (HasEdits<P>)
      return policy_.edits();
    else if constexpr (kWraps && !HasEdit<P>)
      return inner().traits().edits;
    else
      return HasEdit<P>;
  }

  /// The settings of evictions while answers are decoded, or nullptr (the default).
  auto decoding() const {
    if constexpr (HasDecoding<P>)
      return policy_.decoding();
    else if constexpr (kWraps)
      return inner().decoding();
    else
      return static_cast<const Decoding*>(nullptr);
  }
  /// The threshold below which single rows are evicted while answers are decoded. By default none.
  auto sliding_threshold() const {
    if constexpr (HasSlidingThreshold<P>)
      return policy_.sliding_threshold();
    else if constexpr (kWraps)
      return inner().sliding_threshold();
    else
      return std::optional<SlidingThreshold>();
  }
  /// The quantization of the rows that stay. By default none.
  auto quantization() const {
    if constexpr (HasQuantization<P>)
      return policy_.quantization();
    else if constexpr (kWraps)
      return inner().quantization();
    else
      return std::optional<CacheQuantization>();
  }

  /// Throws Error if a parameter is out of its range, or if an adapter cannot wrap the press that it was given.
  auto validate() const {
    if constexpr (kWraps && !kByFunction) inner().validate();
    if constexpr (HasValidate<P>) return policy_.validate();
  }
  /// Whether the policy uses its member `seed`, which PressSetup::seed sets if the written form does not. By default
  /// true.
  auto draws() const {
    if constexpr (HasDraws<P>)
      return policy_.draws();
    else
      return true;
  }

  /// The traits that the policy itself declares. By default all are false.
  auto declared() const {
    if constexpr (HasTraits<P>)
      return policy_.traits();
    else
      return Traits();
  }
  /// The traits that the policy declares, with those that follow from its hooks and from the press that it wraps.
  Traits traits() const {
    if constexpr (std::same_as<P, AnyPolicy>) {
      return declared();
    } else {
      Traits all;
      if constexpr (kWraps) {
        all = inner().traits();
        all.row_wise = all.wraps_outermost = all.follows = false;
      }
      all = all | declared();
      if constexpr (HasSelect<P> || HasRows<P>) all.selects = true;
      if constexpr (HasSelectLayers<P>) all.selects_layers = true;
      all.edits = edits();
      return all;
    }
  }

 private:
  auto inner() const {
    if constexpr (kByFunction) {
      static_assert(std::is_lvalue_reference_v<decltype(policy_.wrapped())>, "wrapped() must return a reference");
      return kvx::Hooks(policy_.wrapped());
    } else {
      return kvx::Hooks(policy_.inner);
    }
  }

  const P& policy_;
};

}  // namespace kvx::inline v0
