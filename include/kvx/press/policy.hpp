#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>

#include <algorithm>
#include <concepts>
#include <span>
#include <string_view>

namespace kvx::inline v0 {

/// What a policy wants to be handed over beside keys and values.
struct Needs {
  Index queries = 0;              ///< the last so many queries, after RoPE (fewer where the context is shorter)
  bool pre_rope_queries = false;  ///< the queries of all tokens, before RoPE
  bool attention = false;         ///< the attention that each token received

  friend Needs operator|(const Needs& a, const Needs& b) {
    return {std::max(a.queries, b.queries), a.pre_rope_queries || b.pre_rope_queries, a.attention || b.attention};
  }
};

/// One layer after its attention over the whole context, in memory that somebody else owns. Query head i belongs to KV
/// head i / (heads / kv_heads).
struct PressInput {
  Index layer = 0, layers = 1;
  TensorView<const float> keys, values;      ///< [kv_heads, tokens, head_dim], keys after RoPE
  TensorView<const float> queries;           ///< [heads, Needs::queries, head_dim], after RoPE
  TensorView<const float> pre_rope_queries;  ///< [heads, tokens, head_dim]
  std::span<const float> attention;          ///< [heads, tokens]: causal softmax attention, summed over the queries
  std::span<const float> inv_freq;           ///< [head_dim / 2], the angles per position of RoPE
  Dtype dtype = Dtype::f32;                  ///< what rows are stored as, for budgets in bytes

  Index tokens() const { return keys.tokens(); }
  Index kv_heads() const { return keys.heads(); }
  Index head_dim() const { return keys.head_dim(); }
};

/// What may stay of one layer.
struct Budget {
  double ratio = 0;  ///< the share of the rows that is removed
  Index keep = 0;    ///< rows to keep per KV head
};

/// Scores of one layer to write, [kv_heads, tokens]; the higher is kept.
using Scores = MatrixView<float>;

template <class P>
concept HasName = requires {
                    { P::name } -> std::convertible_to<std::string_view>;
                  };

/// A policy that evicts by score.
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

/// Whether the scores change with the budget; if not, a grid scores once for all its ratios.
template <class P>
inline constexpr bool scores_by_budget = requires { requires P::scores_by_budget; };

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
