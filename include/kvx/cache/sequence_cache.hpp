#pragma once

#include <kvx/cache/kv_cache.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/core/threads.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace kvx::inline v0 {

struct SequenceCache;

/// New tokens of one sequence in one layer. Their rows are already in the cache, and their attention is computed.
struct LayerStep {
  Index layer;
  Index steps;                      ///< how many steps the tokens count as: a question 1, n tokens of an answer n
  TensorView<const float> queries;  ///< [heads, tokens, head_dim], after RoPE
  MatrixView<const float> hidden;   ///< [tokens, hidden], before the layer
};

/// Is called after each layer of a sequence's steps, and may evict or quantize the sequence's own rows in that layer.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual std::unique_ptr<StepObserver> clone() const = 0;
  /// Called for each layer, after its attention over all rows that the layer had.
  virtual void after_attention(SequenceCache& sequence, const LayerStep& step, Threads& threads) = 0;
  /// The number of steps, the first of them with `tokens` tokens, before a step that changes rows. Up to there, steps
  /// can be undone.
  virtual Index steps_left([[maybe_unused]] const SequenceCache& sequence, [[maybe_unused]] Index tokens) const {
    return 0;
  }
  /// Undoes the last `steps` steps.
  virtual void take_back([[maybe_unused]] Index steps) {}
  /// The reason why the sequence cannot go on: its rows are no longer those that the press should keep. nullptr as long
  /// as it can.
  virtual const NotApplicable* failure() const { return nullptr; }
  /// The allocated bytes of what the observer keeps from the steps.
  virtual std::size_t bytes() const { return 0; }
};

/// The cache of one sequence: a prefix that many sequences share and none may change, followed by the sequence's own
/// rows, the tail. A copy shares the prefix.
struct SequenceCache {
  std::shared_ptr<const KvCache> prefix;
  KvCache tail;
  Position next_position = 0;  ///< the position of the next token; eviction does not change it
  std::unique_ptr<StepObserver> observer = nullptr;

  SequenceCache() = default;
  SequenceCache(std::shared_ptr<const KvCache> shared_prefix, const CacheShape& shape, Position next)
      : prefix(std::move(shared_prefix)), tail(shape), next_position(next) {}
  SequenceCache(const SequenceCache& other)
      : prefix(other.prefix),
        tail(other.tail),
        next_position(other.next_position),
        observer(other.observer ? other.observer->clone() : nullptr) {}
  SequenceCache(SequenceCache&&) = default;
  SequenceCache& operator=(SequenceCache other) noexcept {
    prefix = std::move(other.prefix);
    tail = std::move(other.tail);
    next_position = other.next_position;
    observer = std::move(other.observer);
    return *this;
  }

  /// Undoes the last `count` tokens, each of which was a step. There must not be more than StepObserver::steps_left().
  void take_back(Index count) {
    for (Index l = 0; l < tail.layers(); ++l)
      for (HeadCache& head : tail.layer(l)) head.remove_last(count);
    next_position -= static_cast<Position>(count);
    if (observer) observer->take_back(count);
  }

  /// The reason why the sequence cannot go on; nullptr as long as it can.
  const NotApplicable* failure() const { return observer ? observer->failure() : nullptr; }

  /// Allocated bytes, including the shared prefix and the observer.
  std::size_t bytes() const { return prefix->bytes() + tail.bytes() + (observer ? observer->bytes() : 0); }
};

}  // namespace kvx::inline v0
