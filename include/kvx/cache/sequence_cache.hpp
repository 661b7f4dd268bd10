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

/// New tokens of one sequence in one layer, whose rows are in the cache and whose attention is done.
struct LayerStep {
  Index layer;
  Index steps;                      ///< that the tokens stand for: a question is one, and so is each token of an answer
  TensorView<const float> queries;  ///< [heads, tokens, head_dim], after RoPE
  MatrixView<const float> hidden;   ///< [tokens, hidden], before the layer
};

/// Looks at each layer of a sequence's steps, and may change that layer's own rows: evict or quantize them.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual std::unique_ptr<StepObserver> clone() const = 0;
  /// Of each layer, after its attention over everything that had been there.
  virtual void after_attention(SequenceCache& sequence, const LayerStep& step, Threads& threads) = 0;
  /// How many steps, the first of them of `tokens` tokens, may be taken before one that changes rows, and taken back.
  virtual Index steps_left([[maybe_unused]] const SequenceCache& sequence, [[maybe_unused]] Index tokens) const {
    return 0;
  }
  virtual void take_back([[maybe_unused]] Index steps) {}
  /// The reason why the sequence cannot go on, if it cannot: its rows are no longer those that the press should keep.
  virtual const NotApplicable* failure() const { return nullptr; }
  /// Allocated bytes of the data that it keeps from the steps.
  virtual std::size_t bytes() const { return 0; }
};

/// What one sequence attends to: a prefix that many sequences share and none may change, then rows of its own. Copying
/// one shares the prefix.
struct SequenceCache {
  std::shared_ptr<const KvCache> prefix;
  KvCache tail;
  Position next_position = 0;  ///< of the next token; eviction does not move it
  std::unique_ptr<StepObserver> observer = nullptr;

  SequenceCache() = default;
  SequenceCache(std::shared_ptr<const KvCache> shared, const CacheShape& shape, Position next)
      : prefix(std::move(shared)), tail(shape), next_position(next) {}
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

  /// Takes back the last `count` tokens, each a step. They are no more than the observer had left.
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
