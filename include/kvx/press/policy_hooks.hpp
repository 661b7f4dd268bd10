#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/press/press_input.hpp>
#include <kvx/press/tensor_reader.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

// The optional members of a policy, its hooks. A member with a hook's name but another signature would be silently
// ignored. So each name is looked up first, and if it exists, its signature is checked.

namespace kvx::inline v0 {

struct Decoding;
struct KvpressVariant;
struct Traits;

namespace detail {

struct HookNames {
  int rows, select, score_ranges, ranges_needs, ranges_quota, edit_queries, edit, select_layers, protected_rows,
      decoding, sliding_threshold, quantization, draws, load, validate, traits, kvpress_name, kvpress_variant;
  int scores_by_budget, own_budget, by_ratio, dense_positions, by_position, row_wise, ragged, outermost,
      wraps_outermost, follows;
};

/// Makes a hook's name ambiguous if the policy has any member with this name, of whatever kind.
template <class P>
struct HookProbe : P, HookNames {};

/// A flag that is declared `static constexpr bool`.
template <class T, T kFlag>
concept IsFlag = std::same_as<T, const bool>;

}  // namespace detail

// clang-format off
template <class P> concept NotFinal = !std::is_final_v<P>;
template <class P> concept HasRows = !requires { &detail::HookProbe<P>::rows; };
template <class P> concept HasSelect = !requires { &detail::HookProbe<P>::select; };
template <class P> concept HasScoreRanges = !requires { &detail::HookProbe<P>::score_ranges; };
template <class P> concept HasRangesNeeds = !requires { &detail::HookProbe<P>::ranges_needs; };
template <class P> concept HasRangesQuota = !requires { &detail::HookProbe<P>::ranges_quota; };
template <class P> concept HasEditQueries = !requires { &detail::HookProbe<P>::edit_queries; };
template <class P> concept HasEdit = !requires { &detail::HookProbe<P>::edit; };
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

template <class P> concept RowsFits = !HasRows<P> ||
    requires(const P p, const Budget& b, const PressInput& in) { { p.rows(b, in) } -> std::same_as<Index>; };
template <class P> concept SelectFits = !HasSelect<P> ||
    requires(const P p, const PressInput& in, MatrixView<const float> scores, const Budget& b) {
      { p.select(in, scores, b) } -> std::same_as<Kept>; };
template <class P> concept ScoreRangesFits = !HasScoreRanges<P> ||
    requires(const P p, const PressInput& in, const Budget& b, const Ranges& ranges, Scores out) {
      { p.score_ranges(in, b, ranges, out) } -> std::same_as<void>; };
template <class P> concept RangesNeedsFits = !HasRangesNeeds<P> ||
    requires(const P p) { { p.ranges_needs() } -> std::same_as<Needs>; };
template <class P> concept RangesQuotaFits = !HasRangesQuota<P> ||
    requires(const P p) { { p.ranges_quota() } -> std::same_as<bool>; };
template <class P> concept EditQueriesFits = !HasEditQueries<P> ||
    requires(const P p) { { p.edit_queries() } -> std::same_as<Index>; };
template <class P> concept EditFits = !HasEdit<P> ||
    requires(const P p, const PressInput& in, Index head, std::span<const Index> kept, HeadRows rows) {
      { p.edit(in, head, kept, rows) } -> std::same_as<void>; };
template <class P> concept SelectLayersFits = !HasSelectLayers<P> ||
    requires(const P p, std::span<const Matrix<float>> scores, const Budget& b) {
      { p.select_layers(scores, b) } -> std::same_as<std::vector<Kept>>; };
template <class P> concept ProtectedRowsFits = !HasProtectedRows<P> ||
    requires(const P p) { { p.protected_rows() } -> std::same_as<Index>; };
template <class P> concept DecodingFits = !HasDecoding<P> ||
    requires(const P p) { { p.decoding() } -> std::same_as<const Decoding*>; };
template <class P> concept SlidingThresholdFits = !HasSlidingThreshold<P> ||
    requires(const P p) { { p.sliding_threshold() } -> std::same_as<std::optional<SlidingThreshold>>; };
template <class P> concept QuantizationFits = !HasQuantization<P> ||
    requires(const P p) { { p.quantization() } -> std::same_as<std::optional<CacheQuantization>>; };
template <class P> concept DrawsFits = !HasDraws<P> ||
    requires(const P p) { { p.draws() } -> std::same_as<bool>; };
template <class P> concept LoadFits = !HasLoad<P> ||
    requires(P p, const TensorReader& read) { { p.load(read) } -> std::same_as<void>; };
template <class P> concept ValidateFits = !HasValidate<P> ||
    requires(const P p) { { p.validate() } -> std::same_as<void>; };
template <class P> concept TraitsFits = !HasTraits<P> ||
    requires(const P p) { { p.traits() } -> std::same_as<Traits>; };
template <class P> concept KvpressVariantFits = !HasKvpressVariant<P> ||
    requires { { P::kvpress_variant } -> std::same_as<const KvpressVariant&>; };
template <class P> concept KvpressNameFits = !HasKvpressName<P> ||
    requires { { P::kvpress_name } -> std::convertible_to<std::string_view>; };

template <class P> concept ScoresByBudgetFits = requires { &detail::HookProbe<P>::scores_by_budget; } ||
    detail::IsFlag<decltype(P::scores_by_budget), P::scores_by_budget>;
template <class P> concept OwnBudgetFits = requires { &detail::HookProbe<P>::own_budget; } ||
    detail::IsFlag<decltype(P::own_budget), P::own_budget>;
template <class P> concept ByRatioFits = requires { &detail::HookProbe<P>::by_ratio; } ||
    detail::IsFlag<decltype(P::by_ratio), P::by_ratio>;
template <class P> concept DensePositionsFits = requires { &detail::HookProbe<P>::dense_positions; } ||
    detail::IsFlag<decltype(P::dense_positions), P::dense_positions>;
template <class P> concept ByPositionFits = requires { &detail::HookProbe<P>::by_position; } ||
    detail::IsFlag<decltype(P::by_position), P::by_position>;
template <class P> concept RowWiseFits = requires { &detail::HookProbe<P>::row_wise; } ||
    detail::IsFlag<decltype(P::row_wise), P::row_wise>;
template <class P> concept RaggedFits = requires { &detail::HookProbe<P>::ragged; } ||
    detail::IsFlag<decltype(P::ragged), P::ragged>;
template <class P> concept OutermostFits = requires { &detail::HookProbe<P>::outermost; } ||
    detail::IsFlag<decltype(P::outermost), P::outermost>;
template <class P> concept WrapsOutermostFits = requires { &detail::HookProbe<P>::wraps_outermost; } ||
    detail::IsFlag<decltype(P::wraps_outermost), P::wraps_outermost>;
template <class P> concept FollowsFits = requires { &detail::HookProbe<P>::follows; } ||
    detail::IsFlag<decltype(P::follows), P::follows>;

/// Every optional member of the policy has the expected signature or does not exist.
template <class P> concept HooksFit =
    NotFinal<P> && RowsFits<P> && SelectFits<P> && ScoreRangesFits<P> && RangesNeedsFits<P> && RangesQuotaFits<P> &&
    EditQueriesFits<P> && EditFits<P> && SelectLayersFits<P> && ProtectedRowsFits<P> && DecodingFits<P> &&
    SlidingThresholdFits<P> && QuantizationFits<P> && DrawsFits<P> && LoadFits<P> && ValidateFits<P> &&
    TraitsFits<P> && KvpressNameFits<P> && KvpressVariantFits<P> && ScoresByBudgetFits<P> && OwnBudgetFits<P> &&
    ByRatioFits<P> && DensePositionsFits<P> && ByPositionFits<P> && RowWiseFits<P> && RaggedFits<P> &&
    OutermostFits<P> && WrapsOutermostFits<P> && FollowsFits<P>;
// clang-format on

}  // namespace kvx::inline v0
