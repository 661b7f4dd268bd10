#pragma once

#include <kvx/cache/head_cache.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// One layer: a HeadCache per KV head, of one length or of several.
using LayerCache = std::vector<HeadCache>;

/// A copy of the rows `kept` alone: per head, ascending.
inline LayerCache compacted(const LayerCache& layer, std::span<const std::vector<Index>> kept) {
  LayerCache small;
  small.reserve(layer.size());
  for (std::size_t h = 0; h < layer.size(); ++h) small.push_back(layer[h].compacted(kept[h]));
  return small;
}

/// What a cache holds a row of: the sizes that budgets in bytes are divided by.
struct CacheShape {
  Index layers = 1, kv_heads = 1, head_dim = 0;
  Dtype dtype = Dtype::f32;

  /// One row of one head: key, value and position.
  std::size_t row_bytes() const { return 2 * static_cast<std::size_t>(head_dim) * size_of(dtype) + sizeof(Position); }
};

/// The KV cache of a whole model.
class KvCache {
 public:
  KvCache() = default;
  explicit KvCache(const CacheShape& shape)
      : layers_(static_cast<std::size_t>(shape.layers),
                LayerCache(static_cast<std::size_t>(shape.kv_heads), HeadCache(shape.dtype, shape.head_dim))) {}

  Index layers() const { return static_cast<Index>(layers_.size()); }
  LayerCache& layer(Index l) { return layers_[static_cast<std::size_t>(l)]; }
  const LayerCache& layer(Index l) const { return layers_[static_cast<std::size_t>(l)]; }

  /// Rows over all layers and heads.
  Index rows() const {
    Index sum = 0;
    for (const auto& layer : layers_)
      for (const auto& head : layer) sum += head.rows();
    return sum;
  }
  /// Allocated bytes, scales, zero points and positions included.
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& layer : layers_)
      for (const auto& head : layer) sum += head.bytes();
    return sum;
  }

 private:
  std::vector<LayerCache> layers_;
};

/// What one sequence attends to: a prefix that many sequences share and none may change, then rows of its own. Copying
/// one shares the prefix.
struct SequenceCache {
  std::shared_ptr<const KvCache> prefix;
  KvCache tail;
  Position next_position = 0;  ///< of the next token; eviction does not move it

  SequenceCache(std::shared_ptr<const KvCache> shared, const CacheShape& shape, Position next)
      : prefix(std::move(shared)), tail(shape), next_position(next) {}
};

}  // namespace kvx::inline v0
