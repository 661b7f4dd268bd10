#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/qwen2.hpp>
#include <kvx/press/allowance.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/select.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

namespace kvx::inline v0 {

/// A context whose cache has been compressed, for any number of sequences to go on from.
struct CompressedContext {
  std::shared_ptr<const KvCache> cache;
  Matrix<float> logits;        ///< after the context's last token, [1, vocab]; from the uncompressed cache
  Position next_position = 0;  ///< the context's length, whatever was evicted
  CacheShape shape;
  std::size_t full_bytes = 0;  ///< of the uncompressed cache

  /// A sequence of its own behind the context.
  SequenceCache sequence() const { return {cache, shape, next_position}; }
};

/// Prefills a context and compresses each layer as soon as it is done, so that the uncompressed cache never exists as a
/// whole. Calls on_layer(layers done) after each. Throws NotApplicable when the context is too short for the policy.
inline CompressedContext compress(const Qwen2& model, std::span<const Token> tokens, const AnyPolicy& policy,
                                  const Allowance& allowance, Dtype cache_dtype, Threads& threads,
                                  const std::function<void(Index)>& on_layer = {}) {
  CompressedContext context;
  context.shape = model.cache_shape(cache_dtype);
  KvCache cache(context.shape);
  context.logits =
      prefill(model, tokens, policy.needs(), cache_dtype, threads, [&](const PressInput& in, LayerCache rows) {
        for (const HeadCache& head : rows) context.full_bytes += head.bytes();
        cache.layer(in.layer) = compacted(rows, policy.select(in, allowance));
        if (on_layer) on_layer(in.layer + 1);
      });
  context.cache = std::make_shared<const KvCache>(std::move(cache));
  context.next_position = static_cast<Position>(tokens.size());
  return context;
}

}  // namespace kvx::inline v0
