#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/cache/quantize.hpp>
#include <kvx/cache/sequence_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/core/token_span.hpp>
#include <kvx/kernels/key_bias.hpp>
#include <kvx/kernels/quantized_view.hpp>
#include <kvx/model/decoder.hpp>
#include <kvx/press/any_policy.hpp>
#include <kvx/press/decoding.hpp>
#include <kvx/press/edit_layer.hpp>
#include <kvx/press/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// Compresses a sequence's own rows while it grows: evicts rows by a Decoding or a SlidingThreshold, then quantizes the
/// rows that are due. Layers with a window are left alone.
class RollingCache final : public StepObserver {
 public:
  /// The sequence continues a context of `context` tokens, whose parts are `spans`.
  RollingCache(const AnyPolicy& policy, const Decoder& model, Index context, std::span<const NamedSpan> spans = {})
      : policy_(policy),
        sliding_(policy.sliding_threshold()),
        quantization_(policy.quantization()),
        context_(context),
        spans_(spans.begin(), spans.end()),
        query_scalar_(model.config().query_scalar),
        layers_(static_cast<std::size_t>(model.config().layers)) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      layers_[l].pressed = model.config().window(static_cast<Index>(l)) == 0;
      for (Index h = 0; h < model.config().kv_heads; ++h)
        layers_[l].biases.push_back(quantization_ && quantization_->bias ? model.key_bias(static_cast<Index>(l), h)
                                                                         : KeyBias());
    }
    if (const Decoding* const decoding = policy.decoding()) decoding_ = *decoding;
    queries_wanted_ = decoding_ ? decoding_->inner.needs().queries : 0;
  }

  std::unique_ptr<StepObserver> clone() const override { return std::make_unique<RollingCache>(*this); }

  Index steps_left(const SequenceCache& sequence, Index tokens) const override {
    if (quantization_ || sliding_ || queries_wanted_ > 0) return 0;
    if (tokens >= decoding_->target_rows(static_cast<Index>(sequence.next_position) + tokens)) return 0;
    Index steps = 0;
    for (const State& layer : layers_) steps = std::max(steps, layer.steps);
    return decoding_->interval - 1 - steps;
  }
  void take_back(Index steps) override {
    for (State& layer : layers_)
      if (layer.pressed) layer.steps -= steps;
  }

  void after_attention(SequenceCache& sequence, const LayerStep& step, Threads&) override {
    if (failure_ || !layers_[static_cast<std::size_t>(step.layer)].pressed) return;
    try {
      if (decoding_) evict(sequence, step);
      if (sliding_) slide(sequence, step);
      if (quantization_) quantize(step.layer, sequence.tail.layer(step.layer));
    } catch (const NotApplicable& reason) {
      failure_ = reason;
    }
  }

  const NotApplicable* failure() const override { return failure_ ? &*failure_ : nullptr; }

  std::size_t bytes() const override {
    std::size_t sum = 0;
    for (const State& layer : layers_) sum += layer.queries.capacity() * sizeof(float);
    return sum;
  }

  /// Quantizes the rows of layer `l` that are due. If `shared` is given, the first of them, which no later step
  /// changes, are moved to it.
  void quantize(Index l, LayerCache& layer, LayerCache* shared = nullptr) const {
    for (std::size_t h = 0; h < layer.size(); ++h) {
      const KeyBias& bias = layers_[static_cast<std::size_t>(l)].biases[h];
      // Only complete blocks are shared, so that the rows after them begin with a new group and a new word of codes.
      const bool per_channel = quantization_->keys.axis == Quantization::Axis::per_channel;
      const Index block = per_channel ? quantization_->residual : kQuantizedLanes,
                  rows = quantization_->due_values(layer[h].rows()) / block * block;
      if (shared != nullptr && rows > 0) {
        HeadCache rest = layer[h].split(*quantization_, bias, rows);
        (*shared)[h] = std::exchange(layer[h], std::move(rest));
      }
      layer[h].quantize(*quantization_, bias);
    }
  }

 private:
  struct State {
    bool pressed = true;          // whether the layer has no window
    Index steps = 0;              // since the layer was compressed
    std::vector<float> queries;   // the last ones, as many as wanted, [tokens, heads, head_dim]
    std::vector<KeyBias> biases;  // that keys are stored without, for each head
  };

  void evict(SequenceCache& sequence, const LayerStep& step) {
    State& state = layers_[static_cast<std::size_t>(step.layer)];
    remember(state, step.queries);
    const Index tokens = static_cast<Index>(sequence.next_position) + step.queries.tokens(),
                target = decoding_->target_rows(tokens);
    state.steps += step.steps;
    if (state.steps < decoding_->interval && step.queries.tokens() - (step.steps - 1) < target) return;
    state.steps = 0;
    LayerCache& layer = sequence.tail.layer(step.layer);
    const Index group = step.queries.heads() / static_cast<Index>(layer.size());
    PressInput in{.layer = step.layer,
                  .layers = static_cast<Index>(layers_.size()),
                  .layer_heads = static_cast<Index>(layer.size()),
                  .query_scalar = query_scalar_,
                  .dtype = layer[0].dtype(),
                  .spans = spans_,
                  .context = context_};
    const auto same_length = [&](const HeadCache& head) { return head.rows() == layer[0].rows(); };
    if (std::all_of(layer.begin(), layer.end(), same_length))
      return compress(in, layer, view_of(state, step.queries), target);
    // Heads of different lengths are compressed one by one.
    for (std::size_t h = 0; h < layer.size(); ++h) {
      LayerCache single = {layer[h]};
      in.first_head = static_cast<Index>(h);
      compress(in, single, heads_of(view_of(state, step.queries), static_cast<Index>(h) * group, group), target);
      layer[h] = std::move(single[0]);
    }
  }

  /// Evicts the rows that leave the window in this step and score below the threshold.
  void slide(SequenceCache& sequence, const LayerStep& step) const {
    const Index before = static_cast<Index>(sequence.next_position) - sliding_->window,
                after = before + step.queries.tokens();
    LayerCache& layer = sequence.tail.layer(step.layer);
    const auto heads = static_cast<Index>(layer.size());
    for (Index h = 0; h < heads; ++h) {
      HeadCache& head = layer[static_cast<std::size_t>(h)];
      const auto positions = head.positions();
      const auto row_at = [&](Index position) {
        return static_cast<Index>(std::lower_bound(positions.begin(), positions.end(), position) - positions.begin());
      };
      const Index first = row_at(before), count = row_at(after) - first;
      if (count == 0) continue;
      Matrix<float> keys, values;
      head.visit([&](auto all_keys, auto all_values) {
        keys = all_keys.middleRows(first, count).template cast<float>();
        values = all_values.middleRows(first, count).template cast<float>();
      });
      const auto tensor = [&](const Matrix<float>& rows) {
        return TensorView<const float>::head_major(rows.data(), 1, count, head.head_dim());
      };
      const PressInput in{.layer = step.layer,
                          .layers = static_cast<Index>(layers_.size()),
                          .first_head = h,
                          .layer_heads = heads,
                          .keys = tensor(keys),
                          .values = tensor(values)};
      Matrix<float> scores(1, count);
      policy_.score(in, {}, view(scores));
      const auto is_evicted = [&](Index j) { return scores(0, j) < sliding_->threshold; };
      std::vector<Index> kept;
      for (Index j = 0; j < head.rows(); ++j)
        if (j < first || j >= first + count || !is_evicted(j - first)) kept.push_back(j);
      if (static_cast<Index>(kept.size()) < head.rows()) head = head.compacted(kept);
    }
  }

  /// Adds the new queries to the state, and removes old ones that are no longer wanted.
  void remember(State& state, const TensorView<const float>& queries) const {
    const Index token_size = queries.heads() * queries.head_dim(), count = std::min(queries.tokens(), queries_wanted_),
                old_size = static_cast<Index>(state.queries.size()), kept_size = token_size * (queries_wanted_ - count);
    state.queries.reserve(static_cast<std::size_t>(token_size * queries_wanted_));
    state.queries.erase(state.queries.begin(), state.queries.begin() + std::max<Index>(0, old_size - kept_size));
    for (Index t = queries.tokens() - count; t < queries.tokens(); ++t)
      for (Index i = 0; i < queries.heads(); ++i)
        state.queries.insert(state.queries.end(), queries.row(i, t), queries.row(i, t) + queries.head_dim());
  }
  /// The remembered queries, with as many heads and channels as `step_queries`.
  static TensorView<const float> view_of(const State& state, const TensorView<const float>& step_queries) {
    const Index heads = step_queries.heads(), head_dim = step_queries.head_dim();
    return TensorView<const float>::token_major(
        state.queries.data(), heads, static_cast<Index>(state.queries.size()) / (heads * head_dim), head_dim);
  }
  /// Heads [first, first + count) of token-major queries.
  static TensorView<const float> heads_of(const TensorView<const float>& queries, Index first, Index count) {
    return {queries.tokens() == 0 ? nullptr : queries.row(first, 0),
            count,
            queries.tokens(),
            queries.head_dim(),
            queries.head_dim(),
            queries.heads() * queries.head_dim()};
  }

  void compress(PressInput in, LayerCache& layer, const TensorView<const float>& queries, Index target) const {
    if (layer[0].rows() <= target) return;
    if (const Index wanted = std::min(queries_wanted_, layer[0].rows()); queries.tokens() < wanted)
      throw NotApplicable(Decoding::name, "a step of " + std::to_string(queries.tokens()) + " tokens has fewer than " +
                                              std::to_string(wanted) + " queries for " + decoding_->inner.written());
    FloatRows rows(layer);
    std::vector<Position> positions;
    for (const HeadCache& head : layer)
      positions.insert(positions.end(), head.positions().begin(), head.positions().end());
    in.positions = positions;
    in.keys = rows.keys();
    in.values = rows.values();
    in.queries = queries;
    layer = compacted(layer, decoding_->inner.select(in, Allowance::of_tokens(target)));
  }

  AnyPolicy policy_;
  std::optional<Decoding> decoding_;
  std::optional<SlidingThreshold> sliding_;
  std::optional<CacheQuantization> quantization_;
  Index queries_wanted_, context_;
  std::vector<NamedSpan> spans_;
  std::optional<NotApplicable> failure_;
  double query_scalar_;
  std::vector<State> layers_;
};

/// A sequence that continues a context, which `policy` has compressed to `cache`. Copies of the sequence share the rows
/// that none of them changes. `spans` are the context's parts, for policies that use them. The model must outlive the
/// sequence.
inline SequenceCache start_sequence(const Decoder& model, const AnyPolicy& policy, KvCache cache, Dtype dtype,
                                    Position next_position, std::span<const NamedSpan> spans = {}) {
  const CacheShape shape = model.cache_shape(dtype);
  const auto quantization = policy.quantization();
  const bool rolls = policy.rolls();
  if (!quantization && !rolls) return {std::make_shared<const KvCache>(std::move(cache)), shape, next_position};
  auto observer = std::make_unique<RollingCache>(policy, model, next_position, spans);
  KvCache prefix(shape);
  for (Index l = 0; l < cache.layers(); ++l)
    if (model.config().window(l) > 0) {
      std::swap(prefix.layer(l), cache.layer(l));
    } else if (quantization) {
      // Rows that may be evicted are not shared.
      observer->quantize(l, cache.layer(l), rolls ? nullptr : &prefix.layer(l));
      for (HeadCache& head : cache.layer(l)) head.shrink_to_fit();
    }
  SequenceCache sequence(std::make_shared<const KvCache>(std::move(prefix)), shape, next_position);
  sequence.tail = std::move(cache);
  sequence.observer = std::move(observer);
  return sequence;
}

}  // namespace kvx::inline v0
