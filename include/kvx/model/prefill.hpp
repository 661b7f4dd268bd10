#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/kernels/attend.hpp>
#include <kvx/kernels/isa.hpp>
#include <kvx/kernels/rope.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/workspace.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// A copy of `tensor` that is packed as [heads, tokens, head_dim].
inline std::vector<float> head_major(TensorView<const float> tensor) {
  const Index heads = tensor.heads(), tokens = tensor.tokens(), head_dim = tensor.head_dim();
  std::vector<float> packed(static_cast<std::size_t>(heads * tokens * head_dim));
  const auto copy = TensorView<float>::head_major(packed.data(), heads, tokens, head_dim);
  for (Index h = 0; h < heads; ++h) copy.head(h) = tensor.head(h);
  return packed;
}

/// Computes the causal attention of a whole context, whose tokens have the positions 0, 1, 2, ... `queries` and `out`
/// are [heads, tokens, head_dim]. `received` is [heads, tokens], to which the sums of the weights over all queries are
/// added, or empty.
inline void attend_causal(TensorView<const float> queries, TensorView<const float> keys, TensorView<const float> values,
                          TensorView<float> out, std::span<float> received, Threads& threads,
                          const LayerAttention& attention) {
  constexpr Index kTokens = kAttentionBlock;  // whose queries are processed at once, in all heads of a group
  const Index tokens = keys.tokens(), group = queries.heads() / keys.heads(), blocks = (tokens + kTokens - 1) / kTokens;
  const Isa path = attention.path;
  const float scale = attention.scale;
  std::vector<AttentionQuery> all_queries(
      static_cast<std::size_t>(queries.heads() * tokens));  // by KV head, block, head, token
  const auto queries_of = [&](Index h, Index block, Index last_block) {
    const Index first = block * kTokens, last = std::min(tokens, last_block * kTokens);
    return std::span(all_queries)
        .subspan(static_cast<std::size_t>((h * tokens + first) * group),
                 static_cast<std::size_t>((last - first) * group));
  };
  // The blocks with most rows are first, so that no thread has to process a long one when the others are done.
  threads.parallel_for(keys.heads() * blocks, 1, [&](Index begin, Index end) {
    for (Index work = begin; work < end; ++work) {
      const Index h = work % keys.heads(), block = blocks - 1 - work / keys.heads();
      const auto block_queries = queries_of(h, block, block + 1);
      std::size_t index = 0;
      for (Index i = h * group; i < (h + 1) * group; ++i)
        for (Index t = block * kTokens; t < std::min(tokens, (block + 1) * kTokens); ++t) {
          std::fill_n(out.row(i, t), out.head_dim(), 0.0f);
          AttentionQuery& query = block_queries[index++];
          query = {queries.row(i, t), out.row(i, t), t + 1,
                   received.empty() ? nullptr : &received[static_cast<std::size_t>(i * tokens)]};
          if (attention.window > 0) query.first = std::max<Index>(0, t + 1 - attention.window);
        }
      attend<float>(block_queries, keys.head(h), values.head(h), scale, path);
      finish_attention(block_queries, out.head_dim());
    }
  });
  if (received.empty()) return;
  threads.parallel_for(keys.heads() * blocks, 1, [&](Index begin, Index end) {
    for (Index work = begin; work < end; ++work) {
      const Index h = work % keys.heads(), block = work / keys.heads();
      attention_received<float>(queries_of(h, block, blocks), keys.head(h), scale, block * kTokens, path);
    }
  });
}

/// Describes a position for an error message.
inline std::string position_text(Index position) { return "position " + std::to_string(position); }

inline void rotate(const RopeTable& rope, TensorView<float> rows, Threads& threads) {
  threads.parallel_for(rows.tokens(), 32, [&](Index begin, Index end) {
    for (Index t = begin; t < end; ++t)
      for (Index h = 0; h < rows.heads(); ++h) rope.rotate(t, rows.row(h, t));
  });
}

}  // namespace detail

/// Runs a context layer by layer, with all its tokens at once. Calls on_layer(const PressInput&, LayerCache) for each
/// layer, with the data that `needs` asks for and with the layer's rows, stored as `cache_dtype`; of a layer with a
/// window, only the rows of the last window, and no sums of attention. The data of the PressInput is valid only during
/// the call. Returns the logits after the last token, [1, vocab]. Throws Error for ids outside the vocabulary, a
/// context that is too long, and hidden states and logits that are not finite.
template <class OnLayer>
Matrix<float> prefill(const Decoder& model, std::span<const Token> tokens, const Needs& needs, Dtype cache_dtype,
                      Threads& threads, OnLayer&& on_layer) {
  const ModelConfig& config = model.config();
  const auto count = static_cast<Index>(tokens.size());
  if (tokens.empty()) throw Error("context", "expected at least one token, found none");
  model.check(tokens, 0);
  std::vector<Position> positions(tokens.size());
  std::iota(positions.begin(), positions.end(), 0);
  Workspace work;
  model.fill(work.ropes, positions);
  auto x = model.embed(tokens, work, threads);
  for (Index l = 0; l < config.layers; ++l) {
    auto qkv = model.project_qkv(l, read_only(x), work, threads);
    const TensorView<float> queries = model.queries(qkv);
    const RopeTable& rope = model.table(work.ropes, l);
    const LayerRope angles = model.rope(l);
    std::vector<float> pre_rope, pre_rope_keys, received;
    if (needs.pre_rope_queries) pre_rope = detail::head_major(queries);
    if (needs.pre_rope_keys) pre_rope_keys = detail::head_major(model.keys(qkv));
    if (needs.attention && config.window(l) == 0) received.resize(static_cast<std::size_t>(config.heads * count));
    detail::rotate(rope, queries, threads);
    detail::rotate(rope, model.keys(qkv), threads);
    const auto keys = detail::head_major(model.keys(qkv)), values = detail::head_major(model.values(qkv));
    const auto tensor = [&](const std::vector<float>& data, Index heads) {
      return TensorView<const float>::head_major(data.data(), heads, count, config.head_dim);
    };
    const Matrix<float> output = needs.output_projection ? model.output_projection(l) : Matrix<float>();
    PressInput in{.layer = l,
                  .layers = config.layers,
                  .keys = tensor(keys, config.kv_heads),
                  .values = tensor(values, config.kv_heads),
                  .queries = {},
                  .pre_rope_queries = {},
                  .attention = received,
                  .inv_freq = angles.inv_freq,
                  .rope_factor = angles.factor,
                  .query_scalar = config.query_scalar,
                  .output_projection = TensorView<const float>::token_major(
                      output.data(), needs.output_projection ? config.heads : 0, output.rows(), config.head_dim),
                  .dtype = cache_dtype};
    auto attended = work.attended.rows(count, config.layer().queries());
    detail::attend_causal(queries, in.keys, in.values,
                          TensorView<float>::token_major(attended.data(), config.heads, count, config.head_dim),
                          received, threads, model.attention(l));
    if (needs.pre_rope_queries) in.pre_rope_queries = tensor(pre_rope, config.heads);
    if (needs.pre_rope_keys) in.pre_rope_keys = tensor(pre_rope_keys, config.kv_heads);
    const Index window = std::min(needs.queries, count);
    if (window > 0) in.queries = queries.tokens(count - window, window);
    LayerCache rows(static_cast<std::size_t>(config.kv_heads), HeadCache(cache_dtype, config.head_dim));
    threads.parallel_for(config.kv_heads, 1, [&](Index begin, Index end) {
      for (Index h = begin; h < end; ++h) {
        HeadCache& head = rows[static_cast<std::size_t>(h)];
        const Index held = config.rows(l, count);
        head.reserve(held);
        for (Index t = count - held; t < count; ++t)
          head.append(static_cast<Position>(t), in.keys.row(h, t), in.values.row(h, t));
      }
    });
    on_layer(std::as_const(in), std::move(rows));
    model.finish_layer(l, read_only(attended), x, work, threads, detail::position_text);
  }
  return model.logits(rows_of(read_only(x), count - 1, 1), work, threads,
                      [&](Index) { return detail::position_text(count - 1); });
}

}  // namespace kvx::inline v0
