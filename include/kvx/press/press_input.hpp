#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/kernels/rope.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
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

/// The inputs that a policy needs besides keys and values.
struct Needs {
  Index queries = 0;               ///< the number of last queries, after RoPE (fewer if the context is shorter)
  bool pre_rope_queries = false;   ///< the queries of all tokens, before RoPE
  bool pre_rope_keys = false;      ///< the keys of all tokens, before RoPE
  bool attention = false;          ///< the attention that each token received
  bool output_projection = false;  ///< the matrix that turns the heads' outputs into hidden states
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
  Index first_head = 0, layer_heads = 0;  ///< for an input with some of the layer's KV heads: the first, and the total
  TensorView<const float> keys = {}, values = {};  ///< [kv_heads, tokens, head_dim], keys after RoPE
  TensorView<const float> queries = {};            ///< [heads, Needs::queries, head_dim], after RoPE
  TensorView<const float> pre_rope_queries = {};   ///< [heads, tokens, head_dim]
  TensorView<const float> pre_rope_keys = {};      ///< [kv_heads, tokens, head_dim]
  std::span<const float> attention = {};  ///< [heads, tokens]: causal softmax attention, summed over the queries
  std::span<const float> inv_freq = {};   ///< [head_dim / 2], the angles per position of RoPE
  TensorView<const float> output_projection = {};  ///< [heads, hidden, head_dim]: W_O by query head
  /// [kv_heads, tokens]: the most attention that each token got from a query while the context was repeated.
  std::span<const float> repeated = {};
  Dtype dtype = Dtype::f32;               ///< the dtype of stored rows, for budgets in bytes
  std::span<const NamedSpan> spans = {};  ///< the known parts of the prompt, by position
  /// [kv_heads, tokens]: the rows' positions in the context, if some rows are gone; empty if row t is token t.
  std::span<const Position> positions = {};
  Index context = 0;  ///< tokens of the context that rows with positions come from

  Index tokens() const { return keys.tokens(); }
  Index kv_heads() const { return keys.heads(); }
  Index head_dim() const { return keys.head_dim(); }
  /// KV heads of the whole layer.
  Index all_heads() const { return layer_heads == 0 ? kv_heads() : layer_heads; }
  /// The position of row `t` of KV head `h`.
  Index position(Index h, Index t) const {
    return positions.empty() ? t : Index{positions[static_cast<std::size_t>(h * tokens() + t)]};
  }
  /// Tokens of the whole context.
  Index context_tokens() const { return positions.empty() ? tokens() : context; }
};

/// Evicts single rows while answers are decoded: a row that scores below the threshold is evicted when it leaves the
/// window of the newest rows.
struct SlidingThreshold {
  float threshold;
  Index window;
};

/// How much may stay of one layer.
struct Budget {
  double ratio = 0;    ///< the share of the rows that is removed
  Index keep = 0;      ///< rows to keep per KV head, on average
  bool exact = false;  ///< whether exactly `keep` rows stay; otherwise a press may round `ratio` in its own way
};

/// Scores of one layer to write, [kv_heads, tokens]. Rows with higher scores are kept; if equal, the newer row.
using Scores = MatrixView<float>;

/// The score of a row that always stays. If the budget has no room for all such rows, the press is not applicable.
inline constexpr float kProtected = std::numeric_limits<float>::infinity();

/// The surviving rows of one layer: per KV head, ascending.
using Kept = std::vector<std::vector<Index>>;

/// A context in two ranges, [0, cut) and [cut, tokens), that should be treated alike. Each is a span that a user named,
/// extended to the cut and to the context's end.
struct Ranges {
  Index cut;
  TokenSpan earlier, later;
};

/// The rows of one head that stay, for a policy to rewrite.
struct HeadRows {
  MatrixView<float> keys, values;  ///< [kept, head_dim]
  std::span<Position> positions;   ///< [kept], the positions that the keys were rotated by
};

/// The input with only the last `count` of its queries.
inline PressInput with_queries(PressInput in, Index count) {
  const Index there = in.queries.tokens();
  if (count < there) in.queries = in.queries.tokens(there - count, count);
  return in;
}

}  // namespace kvx::inline v0
