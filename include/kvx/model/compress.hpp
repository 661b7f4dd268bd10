#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/pressed_allowance.hpp>
#include <kvx/model/repeat_context.hpp>
#include <kvx/model/rolling_cache.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/budget_of.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace kvx::inline v0 {

/// A context whose cache has been compressed, for any number of sequences to go on from.
struct CompressedContext {
  SequenceCache start;         ///< to be copied for each sequence that continues the context
  Matrix<float> logits;        ///< after the context's last token, [1, vocab], computed with the uncompressed cache
  std::size_t full_bytes = 0;  ///< the bytes of the uncompressed cache
};

/// Prefills a context and evicts rows of each layer as soon as the layer is done, so that evicted rows of earlier
/// layers need no memory. If the policy needs the model to repeat the context, which `prompt` asks for, rows are
/// evicted only after that. The remaining rows are quantized after the last layer. `spans` are the context's parts, for
/// policies that depend on them. No policy evicts rows of layers with a window: they hold those of their last window.
/// Calls on_layer(layers done) after each layer. Throws NotApplicable if the context is too short for the policy.
inline CompressedContext compress(const Decoder& model, std::span<const Token> tokens, const AnyPolicy& policy,
                                  const Allowance& given, Dtype cache_dtype, Threads& threads,
                                  const std::function<void(Index)>& on_layer = {}, const RepeatPrompt& prompt = {},
                                  std::span<const NamedSpan> spans = {}) {
  CompressedContext context;
  const CacheShape shape = model.cache_shape(cache_dtype);
  const auto count = static_cast<Index>(tokens.size());
  const Allowance allowance = pressed_allowance(model.config(), given, count, shape);
  const bool repeats = policy.needs().repetition.has_value();
  auto cache = std::make_shared<KvCache>(shape);
  context.logits = prefill(model, tokens, needs_of(policy), cache_dtype, threads, [&](PressInput in, LayerCache rows) {
    in.spans = spans;
    for (const HeadCache& head : rows) context.full_bytes += head.bytes();
    const bool pressed = !repeats && model.config().window(in.layer) == 0;
    cache->layer(in.layer) = pressed ? edited(policy, with_queries(in, policy.edit_queries()), rows,
                                              policy.select(with_queries(in, policy.needs().queries), allowance))
                                     : std::move(rows);
    if (on_layer) on_layer(in.layer + 1);
  });
  const Budget budget = budget_of(policy, allowance, count, shape);
  if (repeats && budget.keep < count) {
    const auto scores = score_repetition(policy, budget, model, cache, tokens, prompt, cache_dtype, threads);
    const auto kept = select_layers_within(policy, allowance, budget, count, shape,
                                           [&](const Budget& within) { return policy.select_layers(within, scores); });
    for (Index l = 0; l < cache->layers(); ++l)
      cache->layer(l) = compacted(cache->layer(l), kept[static_cast<std::size_t>(l)]);
  }
  const Position next = position_after(policy, *cache, count);
  context.start = start_sequence(model, policy, std::move(*cache), cache_dtype, next, spans);
  return context;
}

}  // namespace kvx::inline v0
