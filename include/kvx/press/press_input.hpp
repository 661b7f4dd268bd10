#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/kernels/rope.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// A value of Needs::queries: the queries of all tokens of the context.
inline constexpr Index kAllTokens = std::numeric_limits<Index>::max();

/// A second pass over the context, in which the model is asked to repeat it chunk by chunk.
struct Repetition {
  Index chunk = 0;         ///< tokens per chunk
  Index sinks = 0;         ///< the number of first tokens that queries see in addition to the chunk
  bool normalize = false;  ///< whether attention is multiplied by the norm of W_O v over that of the hidden state
};

/// The inputs that a policy needs besides keys and values.
struct Needs {
  Index queries = 0;               ///< the number of last queries, after RoPE (fewer if the context is shorter)
  bool pre_rope_queries = false;   ///< the queries of all tokens, before RoPE
  bool pre_rope_keys = false;      ///< the keys of all tokens, before RoPE
  bool attention = false;          ///< the attention that each token received, summed over the queries
  bool output_projection = false;  ///< the matrix W_O, which turns the outputs of the heads into hidden states
  std::optional<Repetition> repetition = {};  ///< the attention of a second pass, after all layers have been prefilled

  friend Needs operator|(const Needs& a, const Needs& b) {
    return {.queries = std::max(a.queries, b.queries),
            .pre_rope_queries = a.pre_rope_queries || b.pre_rope_queries,
            .pre_rope_keys = a.pre_rope_keys || b.pre_rope_keys,
            .attention = a.attention || b.attention,
            .output_projection = a.output_projection || b.output_projection,
            .repetition = a.repetition ? a.repetition : b.repetition};
  }
};

/// The input of a policy: one layer after its attention over the whole context. Refers to memory of the caller. Fields
/// that a policy does not need may be empty. Query head i belongs to KV head i / (heads / kv_heads). If the model
/// normalizes each head's queries and keys, all of them are given after that.
struct PressInput {
  Index layer = 0, layers = 1;            ///< the index of the layer, and the number of layers of the model
  Index first_head = 0, layer_heads = 0;  ///< for an input with some of the layer's KV heads: the first, and the total
  TensorView<const float> keys = {}, values = {};  ///< [kv_heads, tokens, head_dim], keys after RoPE
  TensorView<const float> queries = {};            ///< [heads, Needs::queries, head_dim], after RoPE
  TensorView<const float> pre_rope_queries = {};   ///< [heads, tokens, head_dim]
  TensorView<const float> pre_rope_keys = {};      ///< [kv_heads, tokens, head_dim]
  std::span<const float> attention = {};  ///< [heads, tokens]: causal softmax attention, summed over the queries
  std::span<const float> inv_freq = {};   ///< [head_dim / 2], the angles per position of RoPE
  float rope_factor = 1;                  ///< multiplies the cosines and sines of RoPE
  double query_scalar = 0;                ///< attention divides q.k by its square root; 0 stands for head_dim
  TensorView<const float> output_projection = {};  ///< [heads, hidden, head_dim]: W_O by query head
  /// [kv_heads, tokens]: the highest attention that each token got from a query while the context was repeated.
  std::span<const float> repeated = {};
  Dtype dtype = Dtype::f32;               ///< the dtype of the stored rows, for budgets in bytes
  std::span<const NamedSpan> spans = {};  ///< the parts of the prompt that have names, by position
  /// [kv_heads, tokens]: the positions of the rows in the context, if rows have been evicted before; empty if row t is
  /// token t.
  std::span<const Position> positions = {};
  Index context = 0;  ///< if `positions` is not empty: the tokens of the whole context

  Index tokens() const { return keys.tokens(); }
  Index kv_heads() const { return keys.heads(); }
  Index head_dim() const { return keys.head_dim(); }
  /// query_scalar, or head_dim if that is 0.
  float scalar() const {
    return static_cast<float>(query_scalar == 0 ? static_cast<double>(head_dim()) : query_scalar);
  }
  /// The number that attention multiplies q.k by.
  float attention_scale() const { return 1 / std::sqrt(scalar()); }
  /// The KV heads of the whole layer.
  Index all_heads() const { return layer_heads == 0 ? kv_heads() : layer_heads; }
  /// The position of row `t` of KV head `h`.
  Index position(Index h, Index t) const {
    return positions.empty() ? t : Index{positions[static_cast<std::size_t>(h * tokens() + t)]};
  }
  /// The tokens of the whole context.
  Index context_tokens() const { return positions.empty() ? tokens() : context; }
};

/// Eviction of single rows while answers are decoded: a row whose score is below `threshold` is evicted when it is no
/// longer one of the newest `window` rows.
struct SlidingThreshold {
  float threshold;
  Index window;
};

/// How many rows of one layer may stay.
struct Budget {
  double ratio = 0;    ///< the share of the rows that is removed, 0 to 1
  Index keep = 0;      ///< rows to keep per KV head, on average
  bool exact = false;  ///< whether exactly `keep` rows stay; otherwise a press may round `ratio` in its own way
};

/// The scores of one layer, [kv_heads, tokens], which a policy writes. Rows with higher scores stay; if scores are
/// equal, the newer row stays.
using Scores = MatrixView<float>;

/// The score of a row that always stays. If the budget has no room for all such rows, the press is not applicable.
inline constexpr float kProtected = std::numeric_limits<float>::infinity();

/// The rows of one layer that stay: for each KV head, their indices in ascending order.
using Kept = std::vector<std::vector<Index>>;

/// A context in two ranges, [0, cut) and [cut, tokens), that should be compressed alike. Each contains one of two spans
/// that a user gave.
struct Ranges {
  Index cut;
  TokenSpan earlier, later;  ///< the two spans; `earlier` ends at the cut, `later` begins there
};

/// The rows of one head that stay, for a policy to rewrite.
struct HeadRows {
  MatrixView<float> keys, values;  ///< [kept, head_dim]
  std::span<Position> positions;   ///< [kept], the positions that the keys have been rotated by
};

/// The input with only the last `count` of its queries.
inline PressInput with_queries(PressInput in, Index count) {
  const Index available = in.queries.tokens();
  if (count < available) in.queries = in.queries.tokens(available - count, count);
  return in;
}

}  // namespace kvx::inline v0
