#pragma once

#include <kvx/cache/cache_shape.hpp>
#include <kvx/cache/head_cache.hpp>
#include <kvx/core/tensor_view.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// The cache of one layer: a HeadCache for each KV head. The heads can have different numbers of rows.
using LayerCache = std::vector<HeadCache>;

/// A copy of only the rows `kept`, which has a list of ascending row numbers for each head.
inline LayerCache compacted(const LayerCache& layer, std::span<const std::vector<Index>> kept) {
  LayerCache small;
  small.reserve(layer.size());
  for (std::size_t h = 0; h < layer.size(); ++h) small.push_back(layer[h].compacted(kept[h]));
  return small;
}

/// The bytes of `rows` rows of one head after all that are due have been quantized: HeadCache::bytes(), without memory
/// that is allocated in advance.
inline std::size_t quantized_bytes(const CacheQuantization& quantization, const CacheShape& shape, Index rows) {
  const Index keys = quantization.due_keys(rows), values = quantization.due_values(rows);
  const auto unquantized = static_cast<std::size_t>((2 * rows - keys - values) * shape.head_dim);
  return QuantizedRows::bytes(QuantizedRows::Content::keys, quantization.keys, shape.head_dim, keys) +
         QuantizedRows::bytes(QuantizedRows::Content::values, quantization.values, shape.head_dim, values) +
         unquantized * size_of(shape.dtype) + static_cast<std::size_t>(rows) * sizeof(Position);
}

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

  /// The number of rows in all layers and heads.
  Index rows() const {
    Index sum = 0;
    for (const auto& layer : layers_)
      for (const auto& head : layer) sum += head.rows();
    return sum;
  }
  /// Allocated bytes, including scales, zeros and positions.
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& layer : layers_)
      for (const auto& head : layer) sum += head.bytes();
    return sum;
  }

 private:
  std::vector<LayerCache> layers_;
};

}  // namespace kvx::inline v0
