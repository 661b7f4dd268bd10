#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/kernels/rope.hpp>

#include <algorithm>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

/// For Needs::queries: those of the whole context.
inline constexpr Index kAllTokens = std::numeric_limits<Index>::max();

/// A second pass, in which the model is asked to repeat its context chunk by chunk.
struct Repetition {
  Index chunk = 0;         ///< tokens at a time
  Index sinks = 0;         ///< the context's first tokens, which are attended to beside the chunk
  bool normalize = false;  ///< attention is weighed by what values add, relative to the hidden states that they add to
};

/// What a policy wants to be handed over beside keys and values.
struct Needs {
  Index queries = 0;               ///< the last so many queries, after RoPE (fewer where the context is shorter)
  bool pre_rope_queries = false;   ///< the queries of all tokens, before RoPE
  bool pre_rope_keys = false;      ///< the keys of all tokens, before RoPE
  bool attention = false;          ///< the attention that each token received
  bool output_projection = false;  ///< what turns the heads' outputs into hidden states
  std::optional<Repetition> repetition = {};  ///< known only when all layers have been prefilled

  friend Needs operator|(const Needs& a, const Needs& b) {
    return {.queries = std::max(a.queries, b.queries),
            .pre_rope_queries = a.pre_rope_queries || b.pre_rope_queries,
            .pre_rope_keys = a.pre_rope_keys || b.pre_rope_keys,
            .attention = a.attention || b.attention,
            .output_projection = a.output_projection || b.output_projection,
            .repetition = a.repetition ? a.repetition : b.repetition};
  }
};

/// One layer after its attention over the whole context, in memory that somebody else owns. Query head i belongs to KV
/// head i / (heads / kv_heads).
struct PressInput {
  Index layer = 0, layers = 1;
  TensorView<const float> keys = {}, values = {};  ///< [kv_heads, tokens, head_dim], keys after RoPE
  TensorView<const float> queries = {};            ///< [heads, Needs::queries, head_dim], after RoPE
  TensorView<const float> pre_rope_queries = {};   ///< [heads, tokens, head_dim]
  TensorView<const float> pre_rope_keys = {};      ///< [kv_heads, tokens, head_dim]
  std::span<const float> attention = {};  ///< [heads, tokens]: causal softmax attention, summed over the queries
  std::span<const float> inv_freq = {};   ///< [head_dim / 2], the angles per position of RoPE
  TensorView<const float> output_projection = {};  ///< [heads, hidden, head_dim]: W_O by query head
  /// [kv_heads, tokens]: the most attention that each token got from a query while the context was repeated.
  std::span<const float> repeated = {};
  Dtype dtype = Dtype::f32;               ///< what rows are stored as, for budgets in bytes
  std::span<const NamedSpan> spans = {};  ///< the prompt's parts, as far as they are known

  Index tokens() const { return keys.tokens(); }
  Index kv_heads() const { return keys.heads(); }
  Index head_dim() const { return keys.head_dim(); }
};

/// What may stay of one layer.
struct Budget {
  double ratio = 0;    ///< the share of the rows that is removed
  Index keep = 0;      ///< rows to keep per KV head, on average
  bool exact = false;  ///< whether rows were asked for: exactly `keep` stay; else a press may round `ratio` its own way
};

/// Scores of one layer to write, [kv_heads, tokens]; the higher is kept.
using Scores = MatrixView<float>;

/// The surviving rows of one layer: per KV head, ascending.
using Kept = std::vector<std::vector<Index>>;

/// A context in two ranges, [0, cut) and [cut, tokens), that are to be treated alike. Each is a span that a user named,
/// extended to the cut and to the context's end.
struct Ranges {
  Index cut;
  TokenSpan earlier, later;
};

/// The rows of one head that stay, for a policy that rewrites them.
struct HeadRows {
  MatrixView<float> keys, values;  ///< [kept, head_dim]
  std::span<Position> positions;   ///< [kept], which keys were rotated by
};

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
///     const Decoding* decoding() const;  // what happens while answers are decoded, if anything
///     std::optional<CacheQuantization> quantization() const;  // how what stays is stored, unless whole
///     void load(const TensorReader&);  // reads the files that its parameters name
///     static constexpr bool scores_by_budget = true;  // otherwise a grid scores once for all its ratios
///     static constexpr bool own_budget = true;        // its parameters decide how much stays, whatever the budget
///     static constexpr bool by_ratio = true;          // it needs a ratio, since it cannot keep a number of rows
///     static constexpr bool dense_positions = true;   // edit() numbers the rows anew, and the question goes on there
///     static constexpr bool ragged = true;            // heads of a layer keep different numbers of rows
///     static constexpr bool outermost = true;         // no adapter can wrap it, unless that says `wraps_outermost`
///     static constexpr bool follows = true;           // written behind what it wraps: `snapkv+int4`
///
/// An adapter holds the policy that it wraps as its member `inner`.
template <class P>
concept ScorePolicy = HasName<P> && requires(const P p, const PressInput in, const Budget b, Scores out) {
                                      { p.needs() } -> std::same_as<Needs>;
                                      { p.score(in, b, out) } -> std::same_as<void>;
                                    };

/// A policy that a registry can hold: it names its paper ("" for none) and its parameters, a tuple of Parameter.
template <class P>
concept RegistrablePolicy =
    ScorePolicy<P> && std::default_initializable<P> && requires {
                                                         { P::paper } -> std::convertible_to<std::string_view>;
                                                         P::parameters();
                                                       };

/// What a policy declares about itself, or inherits from the one that it wraps.
struct Traits {
  bool scores_by_budget = false, own_budget = false, by_ratio = false, dense_positions = false, ragged = false,
       outermost = false;
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
    if constexpr (requires { requires P::scores_by_budget; }) all.scores_by_budget = true;
    if constexpr (requires { requires P::own_budget; }) all.own_budget = true;
    if constexpr (requires { requires P::by_ratio; }) all.by_ratio = true;
    if constexpr (requires { requires P::dense_positions; }) all.dense_positions = true;
    if constexpr (requires { requires P::ragged; }) all.ragged = true;
    if constexpr (requires { requires P::outermost; }) all.outermost = true;
    if constexpr (requires { &P::select_layers; }) all.selects_layers = true;
    if constexpr (
        requires { &P::select; } || requires { &P::rows; })
      all.selects = true;
    if constexpr (requires { &P::edit; }) all.edits = true;
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
