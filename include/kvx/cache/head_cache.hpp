#pragma once

#include <kvx/cache/growth.hpp>
#include <kvx/cache/quantize.hpp>
#include <kvx/cache/quantized_rows.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/key_bias.hpp>
#include <kvx/kernels/rope.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// The cached rows of one KV head, in the order of their positions. A row is a key, a value and a position. Heads can
/// have different numbers of rows, so that a budget per head really frees memory. The oldest keys and the oldest values
/// may be quantized, and not equally many of both. Memory grows by a few rows at a time, and is freed when rows are
/// evicted or quantized. Unused memory never exceeds that of kCacheBlock rows.
class HeadCache {
 public:
  /// `dtype` is f32 or bf16.
  HeadCache(Dtype dtype, Index head_dim) : dtype_(dtype), head_dim_(head_dim) {}

  Dtype dtype() const { return dtype_; }
  Index head_dim() const { return head_dim_; }
  Index rows() const { return static_cast<Index>(positions_.size()); }
  std::span<const Position> positions() const { return positions_; }

  /// The keys that are not quantized, [unquantized rows, head_dim]; they come after the quantized ones. `T` is the
  /// cache's dtype. Writing to the view changes the cache.
  template <class T>
  MatrixView<const T> keys() const {
    return view_as<const T>(keys_.data(), keys_.size());
  }
  template <class T>
  MatrixView<T> keys() {
    return view_as<T>(keys_.data(), keys_.size());
  }
  /// The values that are not quantized.
  template <class T>
  MatrixView<const T> values() const {
    return view_as<const T>(values_.data(), values_.size());
  }
  template <class T>
  MatrixView<T> values() {
    return view_as<T>(values_.data(), values_.size());
  }

  /// Calls f(keys<T>(), values<T>()), where T is the type of the cache's dtype.
  template <class F>
  void visit(F&& f) const {
    dtype_ == Dtype::bf16 ? f(keys<BF16>(), values<BF16>()) : f(keys<float>(), values<float>());
  }

  /// The quantized keys or values, which come before the others; nullptr as long as nothing is quantized.
  const QuantizedRows* quantized_keys() const { return quantized_ ? &quantized_->keys : nullptr; }
  const QuantizedRows* quantized_values() const { return quantized_ ? &quantized_->values : nullptr; }
  /// The bias that the quantized keys are stored without. Attention adds it, rotated to their positions.
  KeyBias key_bias() const { return quantized_ ? quantized_->bias : KeyBias(); }

  /// Writes all keys and all values as floats, each [rows, head_dim].
  void copy_to(float* keys, float* values) const {
    const auto copy = [&](const QuantizedRows* quantized, const auto& unquantized, float* to) {
      const Index first = quantized == nullptr ? 0 : quantized->rows();
      if (first > 0) quantized->dequantize(0, first, to);
      view(to + first * head_dim_, unquantized.rows(), head_dim_, head_dim_) = unquantized.template cast<float>();
    };
    visit([&](auto unquantized_keys, auto unquantized_values) {
      copy(quantized_keys(), unquantized_keys, keys);
      if (quantized_)
        add_key_bias(quantized_->bias, positions().first(static_cast<std::size_t>(quantized_->keys.rows())), 1, keys);
      copy(quantized_values(), unquantized_values, values);
    });
  }

  /// Allocates memory for `rows` rows that are not quantized, and not for more.
  void reserve(Index rows) {
    keys_.reserve(static_cast<std::size_t>(rows) * row_bytes());
    values_.reserve(static_cast<std::size_t>(rows) * row_bytes());
    positions_.reserve(static_cast<std::size_t>(rows));
  }

  /// Frees all unused memory.
  void shrink_to_fit() {
    keys_.shrink_to_fit();
    values_.shrink_to_fit();
    positions_.shrink_to_fit();
    if (!quantized_) return;
    quantized_->keys.shrink_to_fit();
    quantized_->values.shrink_to_fit();
  }

  /// Adds one row, rounded to the cache's dtype. `key` and `value` are [head_dim]. Positions must ascend.
  void append(Position position, const float* key, const float* value) {
    constexpr auto kStep = static_cast<std::size_t>(detail::kCacheGrowth);
    const std::size_t key_offset = keys_.size(), value_offset = values_.size();
    detail::resize_in_steps(keys_, key_offset + row_bytes(), kStep * row_bytes());
    detail::resize_in_steps(values_, value_offset + row_bytes(), kStep * row_bytes());
    detail::resize_in_steps(positions_, positions_.size() + 1, kStep);
    positions_.back() = position;
    write(key, keys_.data() + key_offset);
    write(value, values_.data() + value_offset);
  }

  /// Quantizes the keys and values that are due. `bias`, rotated to their positions, is subtracted from the keys
  /// before. It must outlive the cache. Every call for a cache must have the same arguments.
  void quantize(const CacheQuantization& quantization, const KeyBias& bias = {}) {
    quantize_first(quantization, bias, quantization.due_keys(row_count(keys_)),
                   quantization.due_values(row_count(values_)));
  }

  /// Quantizes the first `rows` rows, moves the others to a new cache and returns it. No row may be quantized before.
  HeadCache split(const CacheQuantization& quantization, const KeyBias& bias, Index rows) {
    HeadCache rest(dtype_, head_dim_);
    const auto first = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows) * row_bytes());
    rest.keys_.assign(keys_.begin() + first, keys_.end());
    rest.values_.assign(values_.begin() + first, values_.end());
    rest.positions_.assign(positions_.begin() + rows, positions_.end());
    if (rows > 0) {
      quantized_ = empty_part(quantization, bias);
      quantized_->keys.reserve(rows);
      quantized_->values.reserve(rows);
      quantize_first(quantization, bias, rows, rows);
    }
    keys_ = std::vector<std::byte>();  // frees its memory, which `= {}` would not
    values_ = std::vector<std::byte>();
    positions_.resize(static_cast<std::size_t>(rows));
    positions_.shrink_to_fit();
    return rest;
  }

  /// A copy of only the rows `kept` (ascending), without unused memory. Quantized rows are copied without change.
  HeadCache compacted(std::span<const Index> kept) const {
    HeadCache small(dtype_, head_dim_);
    const auto below = [&](Index rows) {
      return kept.first(static_cast<std::size_t>(std::lower_bound(kept.begin(), kept.end(), rows) - kept.begin()));
    };
    const auto copy = [&](const std::vector<std::byte>& from, Index quantized, std::vector<std::byte>& to) {
      const auto unquantized = kept.subspan(below(quantized).size());
      to.resize(unquantized.size() * row_bytes());
      for (std::size_t j = 0; j < unquantized.size(); ++j)
        std::memcpy(to.data() + j * row_bytes(),
                    from.data() + static_cast<std::size_t>(unquantized[j] - quantized) * row_bytes(), row_bytes());
    };
    const Index keys = quantized_ ? quantized_->keys.rows() : 0, values = quantized_ ? quantized_->values.rows() : 0;
    copy(keys_, keys, small.keys_);
    copy(values_, values, small.values_);
    if (quantized_)
      small.quantized_ = QuantizedPart{quantized_->keys.compacted(below(keys)),
                                       quantized_->values.compacted(below(values)), quantized_->bias};
    small.positions_.reserve(kept.size());
    for (const Index row : kept) small.positions_.push_back(positions_[static_cast<std::size_t>(row)]);
    return small;
  }

  /// Removes the last `count` rows, which must not be quantized.
  void remove_last(Index count) {
    const auto bytes = static_cast<std::size_t>(count) * row_bytes();
    keys_.resize(keys_.size() - bytes);
    values_.resize(values_.size() - bytes);
    positions_.resize(positions_.size() - static_cast<std::size_t>(count));
  }

  /// Removes the first `count` rows, for a cache without quantized rows.
  void remove_first(Index count) {
    const auto remove = [count](auto& memory, std::size_t row_size) {
      memory.erase(memory.begin(), memory.begin() + count * static_cast<std::ptrdiff_t>(row_size));
      detail::shrink(memory, static_cast<std::size_t>(detail::kCacheGrowth) * row_size);
    };
    remove(keys_, row_bytes());
    remove(values_, row_bytes());
    remove(positions_, 1);
  }

  /// Allocated bytes of keys, values, positions and quantized rows.
  std::size_t bytes() const {
    return keys_.capacity() + values_.capacity() + positions_.capacity() * sizeof(Position) +
           (quantized_ ? quantized_->keys.bytes() + quantized_->values.bytes() : 0);
  }

 private:
  struct QuantizedPart {
    QuantizedRows keys, values;
    KeyBias bias;
  };

  std::size_t row_bytes() const { return static_cast<std::size_t>(head_dim_) * size_of(dtype_); }
  Index row_count(const std::vector<std::byte>& rows) const { return static_cast<Index>(rows.size() / row_bytes()); }
  template <class T, class Byte>
  MatrixView<T> view_as(Byte* data, std::size_t size) const {
    return view(reinterpret_cast<T*>(data), static_cast<Index>(size / row_bytes()), head_dim_, head_dim_);
  }
  void write(const float* from, std::byte* to) const {
    const auto write_as = [&]<class T>(T* row) {
      for (Index d = 0; d < head_dim_; ++d) row[d] = static_cast<T>(from[d]);
    };
    dtype_ == Dtype::bf16 ? write_as(reinterpret_cast<BF16*>(to)) : write_as(reinterpret_cast<float*>(to));
  }
  QuantizedPart empty_part(const CacheQuantization& quantization, const KeyBias& bias) const {
    return {{QuantizedRows::Content::keys, quantization.keys, head_dim_},
            {QuantizedRows::Content::values, quantization.values, head_dim_},
            bias};
  }
  /// Quantizes the first `keys` keys and the first `values` values of those that are not quantized.
  void quantize_first(const CacheQuantization& quantization, const KeyBias& bias, Index keys, Index values) {
    if (keys == 0 && values == 0) return;
    if (!quantized_) quantized_ = empty_part(quantization, bias);
    const auto move = [&](const auto& rows, Index count, const KeyBias& subtracted, QuantizedRows& to,
                          std::vector<std::byte>& from) {
      if (count == 0) return;
      Matrix<float> floats = rows.topRows(count).template cast<float>();
      const auto first = static_cast<std::size_t>(to.rows());
      add_key_bias(subtracted, positions().subspan(first, static_cast<std::size_t>(count)), -1, floats.data());
      to.append(view(std::as_const(floats)));
      from.erase(from.begin(),
                 from.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(count) * row_bytes()));
      detail::shrink(from, static_cast<std::size_t>(detail::kCacheGrowth) * row_bytes());
    };
    visit([&](auto unquantized_keys, auto unquantized_values) {
      move(unquantized_keys, keys, bias, quantized_->keys, keys_);
      move(unquantized_values, values, {}, quantized_->values, values_);
    });
  }

  Dtype dtype_;
  Index head_dim_;
  std::vector<std::byte> keys_, values_;  // elements of dtype_, [unquantized rows, head_dim]
  std::vector<Position> positions_;
  std::optional<QuantizedPart> quantized_;
};

}  // namespace kvx::inline v0
