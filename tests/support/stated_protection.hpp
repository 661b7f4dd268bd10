#pragma once

#include <kvx/core/tensor_view.hpp>
#include <kvx/press/named/policies.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace kvx_test {

/// The rows that a press promises to keep as far as its budget allows: sinks at the beginning of the context and a
/// window at its end. `tokens` are always kept; if the budget is too small for them, the press is not applicable.
struct StatedProtection {
  kvx::Index sinks = 0, window = 0;
  std::vector<kvx::Index> tokens = {};
  std::vector<StatedProtection> others = {};  ///< promises of presses that evict more: only what all promise is kept

  /// How many of the newest tokens and of the sinks are kept if `rows` rows are.
  kvx::Index newest(kvx::Index rows) const {
    kvx::Index count = std::clamp<kvx::Index>(rows - sinks, 0, window);
    for (const StatedProtection& other : others) count = std::min(count, other.newest(rows));
    return count;
  }
  kvx::Index first(kvx::Index rows) const {
    kvx::Index count = rows >= sinks + window ? sinks : 0;
    for (const StatedProtection& other : others) count = std::min(count, other.first(rows));
    return count;
  }

  /// Whether the rows `kept` (ascending) of one head, after a context of `count` tokens, contain the promised ones.
  bool holds(const std::vector<kvx::Index>& kept, kvx::Index count) const {
    const auto rows = static_cast<kvx::Index>(kept.size());
    const auto is_kept = [&](kvx::Index token) { return std::binary_search(kept.begin(), kept.end(), token); };
    bool all_kept = std::all_of(tokens.begin(), tokens.end(), is_kept);
    for (kvx::Index token = count - newest(rows); token < count; ++token) all_kept = all_kept && is_kept(token);
    for (kvx::Index token = 0; token < first(rows); ++token) all_kept = all_kept && is_kept(token);
    return all_kept;
  }
};

/// The promise of a press for a layer of `tokens` rows. It is empty if an adapter does not keep the promise of its
/// inner press.
inline StatedProtection stated_protection(const kvx::AnyPolicy& policy, kvx::Index tokens) {
  using namespace kvx;
  const auto inner = [&](const AnyPolicy& wrapped) { return stated_protection(wrapped, tokens); };
  if (const auto* p = policy.as<StreamingLLM>()) return {p->sinks, 1};
  if (const auto* p = policy.as<CanaryStreamingLLM>()) return {4, p != nullptr};
  if (const auto* p = policy.as<SnapKV>()) return {0, p->window};
  if (const auto* p = policy.as<CanarySnapKV>()) return {0, p->window};
  if (const auto* p = policy.as<PyramidKV>()) return {0, p->window};
  if (const auto* p = policy.as<Finch>()) return {0, p->window};
  if (policy.as<Tova>() != nullptr) return {0, 1};
  if (const auto* p = policy.as<ExpectedAttention>()) return {p->sinks, 0};
  if (const auto* p = policy.as<CAP>()) return {p->sinks, 0};
  if (const auto* p = policy.as<CUR>()) return {p->sinks, 0};
  if (const auto* p = policy.as<KVzip>()) return {p->sinks, 0};
  if (const auto* p = policy.as<LagKV>()) {
    const Index rest = tokens - p->sinks, partitions = rest / p->lag;
    return {p->sinks, partitions < 2 ? 1 : rest - (partitions - 1) * p->lag};
  }
  if (const auto* p = policy.as<SimLayerKV>()) return {p->initial, p->recent - p->last};
  if (const auto* p = policy.as<DuoAttention>()) return {p->sinks, p->recent};
  if (const auto* p = policy.as<Dms<AnyPolicy>>()) return {0, p->window, inner(p->inner).tokens};
  if (const auto* p = policy.as<Protect<AnyPolicy>>()) {
    StatedProtection stated{0, 0, inner(p->inner).tokens};
    for (Index token = 0; token < p->first; ++token) stated.tokens.push_back(token);
    for (const NamedSpan& span : p->spans)
      for (Index token = span.tokens.first; token < span.tokens.last; ++token) stated.tokens.push_back(token);
    return stated;
  }
  if (const auto* p = policy.as<Ada<AnyPolicy>>()) return inner(p->inner);
  if (const auto* p = policy.as<Rerotate<AnyPolicy>>()) return inner(p->inner);
  if (const auto* p = policy.as<Merging<AnyPolicy>>()) return inner(p->inner);
  if (const auto* p = policy.as<PerLayer<AnyPolicy>>()) return inner(p->inner);
  if (const auto* p = policy.as<PrefillDecoding>()) return inner(p->parts[0]);
  if (const auto* p = policy.as<Composed>()) {  // each part sees the rows that those before it kept
    StatedProtection stated = inner(p->parts.front());
    stated.tokens = {};
    for (std::size_t i = 1; i < p->parts.size(); ++i) stated.others.push_back(inner(p->parts[i]));
    return stated;
  }
  if (const auto* p = policy.as<Quantized<8>>()) return inner(p->inner);
  if (const auto* p = policy.as<Quantized<4>>()) return inner(p->inner);
  if (const auto* p = policy.as<Quantized<2>>()) return inner(p->inner);
  // These keep the protected tokens, but choose the other rows themselves.
  if (const auto* p = policy.as<Critical<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  if (const auto* p = policy.as<CriticalAda<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  if (const auto* p = policy.as<Chunk<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  if (const auto* p = policy.as<ChunkKV<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  if (const auto* p = policy.as<EntropyChunkKV<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  if (const auto* p = policy.as<Block<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  if (const auto* p = policy.as<Fair<AnyPolicy>>()) return {0, 0, inner(p->inner).tokens};
  return {};
}

/// The promise of a press for the rows after each step of an answer.
inline StatedProtection stated_while_decoding(const kvx::AnyPolicy& policy) {
  using namespace kvx;
  if (policy.traits().dense_positions) return {};
  if (const auto* p = policy.as<Quantized<8>>()) return stated_while_decoding(p->inner);
  if (const auto* p = policy.as<Quantized<4>>()) return stated_while_decoding(p->inner);
  if (const auto* p = policy.as<Quantized<2>>()) return stated_while_decoding(p->inner);
  if (const auto sliding = policy.sliding_threshold()) return {0, sliding->window};
  // The press for the context may have evicted the sinks of the other one.
  if (const auto* p = policy.as<PrefillDecoding>()) return {0, stated_while_decoding(p->parts[1]).window};
  const Decoding* const decoding = policy.as<Decoding>();
  if (decoding == nullptr) return {};
  // The window of a decoding press ends with the newest token, and its sinks are those of the context.
  StatedProtection stated = stated_protection(decoding->inner, 0);
  if (decoding->inner.as<LagKV>() != nullptr) stated = {};
  return stated;
}

}  // namespace kvx_test
