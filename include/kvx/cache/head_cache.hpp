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

/// The cached rows of one KV head: a key, a value and a position each, in the order of their positions. Heads have
/// their own lengths, so that a head-wise budget really frees memory. The older rows may be quantized, keys and values
/// to a different number. Memory follows the rows: it grows by a few rows at a time, and rows that are evicted or
/// quantized free theirs, so that the unused memory is never more than that of kCacheBlock rows.
class HeadCache {
 public:
  /// `dtype` is f32 or bf16.
  HeadCache(Dtype dtype, Index head_dim) : dtype_(dtype), head_dim_(head_dim) {}

  Dtype dtype() const { return dtype_; }
  Index head_dim() const { return head_dim_; }
  Index rows() const { return static_cast<Index>(positions_.size()); }
  std::span<const Position> positions() const { return positions_; }

  /// The keys that are not quantized, [those rows, head_dim]: all, or the last. `T` is the cache's dtype; edits are in
  /// place.
  template <class T>
  MatrixView<const T> keys() const {
    return whole<const T>(keys_.data(), keys_.size());
  }
  template <class T>
  MatrixView<T> keys() {
    return whole<T>(keys_.data(), keys_.size());
  }
  /// The values that are not quantized.
  template <class T>
  MatrixView<const T> values() const {
    return whole<const T>(values_.data(), values_.size());
  }
  template <class T>
  MatrixView<T> values() {
    return whole<T>(values_.data(), values_.size());
  }

  /// Calls f(keys, values) with the views of the cache's dtype.
  template <class F>
  void visit(F&& f) const {
    dtype_ == Dtype::bf16 ? f(keys<BF16>(), values<BF16>()) : f(keys<float>(), values<float>());
  }

  /// The first rows, once quantize() has been called; nullptr before.
  const QuantizedRows* quantized_keys() const { return quantized_ ? &quantized_->keys : nullptr; }
  const QuantizedRows* quantized_values() const { return quantized_ ? &quantized_->values : nullptr; }
  /// What is not in the quantized keys: it is added, rotated to their positions.
  KeyBias key_bias() const { return quantized_ ? quantized_->bias : KeyBias(); }

  /// All rows as floats, to [rows, head_dim] each.
  void copy_to(float* keys, float* values) const {
    const auto copy = [&](const QuantizedRows* old, const auto& rows, float* to) {
      const Index first = old == nullptr ? 0 : old->rows();
      if (first > 0) old->dequantize(0, first, to);
      view(to + first * head_dim_, rows.rows(), head_dim_, head_dim_) = rows.template cast<float>();
    };
    visit([&](auto whole_keys, auto whole_values) {
      copy(quantized_keys(), whole_keys, keys);
      if (quantized_)
        add_key_bias(quantized_->bias, positions().first(static_cast<std::size_t>(quantized_->keys.rows())), 1, keys);
      copy(quantized_values(), whole_values, values);
    });
  }

  /// Makes room for `rows` that are not quantized, and for no more.
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

  /// Adds one row, rounded to the cache's dtype. `key` and `value` are [head_dim]; positions ascend.
  void append(Position position, const float* key, const float* value) {
    constexpr auto kStep = static_cast<std::size_t>(detail::kCacheGrowth);
    const std::size_t keys = keys_.size(), values = values_.size();
    detail::resize_in_steps(keys_, keys + row_bytes(), kStep * row_bytes());
    detail::resize_in_steps(values_, values + row_bytes(), kStep * row_bytes());
    detail::resize_in_steps(positions_, positions_.size() + 1, kStep);
    positions_.back() = position;
    write(key, keys_.data() + keys);
    write(value, values_.data() + values);
  }

  /// Quantizes the rows that are due, keys without `bias`, which outlives the cache. Always by the same `how` and
  /// `bias`.
  void quantize(const CacheQuantization& how, const KeyBias& bias = {}) {
    quantize_first(how, bias, how.due_keys(whole_rows(keys_)), how.due_values(whole_rows(values_)));
  }

  /// Quantizes the first `rows` rows of a cache of which none are, and returns the rest as a cache of its own.
  HeadCache split(const CacheQuantization& how, const KeyBias& bias, Index rows) {
    HeadCache rest(dtype_, head_dim_);
    const auto first = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows) * row_bytes());
    rest.keys_.assign(keys_.begin() + first, keys_.end());
    rest.values_.assign(values_.begin() + first, values_.end());
    rest.positions_.assign(positions_.begin() + rows, positions_.end());
    if (rows > 0) {
      quantized_ = none_quantized(how, bias);
      quantized_->keys.reserve(rows);
      quantized_->values.reserve(rows);
      quantize_first(how, bias, rows, rows);
    }
    keys_ = std::vector<std::byte>();  // gives its memory back, as `= {}` would not
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
      const auto whole = kept.subspan(below(quantized).size());
      to.resize(whole.size() * row_bytes());
      for (std::size_t j = 0; j < whole.size(); ++j)
        std::memcpy(to.data() + j * row_bytes(),
                    from.data() + static_cast<std::size_t>(whole[j] - quantized) * row_bytes(), row_bytes());
    };
    const Index keys = quantized_ ? quantized_->keys.rows() : 0, values = quantized_ ? quantized_->values.rows() : 0;
    copy(keys_, keys, small.keys_);
    copy(values_, values, small.values_);
    if (quantized_)
      small.quantized_ = Quantized{quantized_->keys.compacted(below(keys)), quantized_->values.compacted(below(values)),
                                   quantized_->bias};
    small.positions_.reserve(kept.size());
    for (const Index from : kept) small.positions_.push_back(positions_[static_cast<std::size_t>(from)]);
    return small;
  }

  /// Removes the last `count` rows, which are not quantized.
  void remove_last(Index count) {
    const auto bytes = static_cast<std::size_t>(count) * row_bytes();
    keys_.resize(keys_.size() - bytes);
    values_.resize(values_.size() - bytes);
    positions_.resize(positions_.size() - static_cast<std::size_t>(count));
  }

  /// Allocated bytes: keys, values, positions, and what quantized rows take.
  std::size_t bytes() const {
    return keys_.capacity() + values_.capacity() + positions_.capacity() * sizeof(Position) +
           (quantized_ ? quantized_->keys.bytes() + quantized_->values.bytes() : 0);
  }

 private:
  struct Quantized {
    QuantizedRows keys, values;
    KeyBias bias;
  };

  std::size_t row_bytes() const { return static_cast<std::size_t>(head_dim_) * size_of(dtype_); }
  Index whole_rows(const std::vector<std::byte>& rows) const { return static_cast<Index>(rows.size() / row_bytes()); }
  template <class T, class Byte>
  MatrixView<T> whole(Byte* data, std::size_t size) const {
    return view(reinterpret_cast<T*>(data), static_cast<Index>(size / row_bytes()), head_dim_, head_dim_);
  }
  void write(const float* from, std::byte* to) const {
    const auto write_as = [&]<class T>(T* row) {
      for (Index d = 0; d < head_dim_; ++d) row[d] = static_cast<T>(from[d]);
    };
    dtype_ == Dtype::bf16 ? write_as(reinterpret_cast<BF16*>(to)) : write_as(reinterpret_cast<float*>(to));
  }
  Quantized none_quantized(const CacheQuantization& how, const KeyBias& bias) const {
    return {{QuantizedRows::Of::keys, how.keys, head_dim_}, {QuantizedRows::Of::values, how.values, head_dim_}, bias};
  }
  void quantize_first(const CacheQuantization& how, const KeyBias& bias, Index keys, Index values) {
    if (keys == 0 && values == 0) return;
    if (!quantized_) quantized_ = none_quantized(how, bias);
    const auto move = [&](const auto& rows, Index count, const KeyBias& without, QuantizedRows& to,
                          std::vector<std::byte>& from) {
      if (count == 0) return;
      Matrix<float> floats = rows.topRows(count).template cast<float>();
      const auto first = static_cast<std::size_t>(to.rows());
      add_key_bias(without, positions().subspan(first, static_cast<std::size_t>(count)), -1, floats.data());
      to.append(view(std::as_const(floats)));
      from.erase(from.begin(),
                 from.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(count) * row_bytes()));
      detail::shrink(from, static_cast<std::size_t>(detail::kCacheGrowth) * row_bytes());
    };
    visit([&](auto whole_keys, auto whole_values) {
      move(whole_keys, keys, bias, quantized_->keys, keys_);
      move(whole_values, values, {}, quantized_->values, values_);
    });
  }

  Dtype dtype_;
  Index head_dim_;
  std::vector<std::byte> keys_, values_;  // of dtype, [rows that are not quantized, head_dim]
  std::vector<Position> positions_;
  std::optional<Quantized> quantized_;
};

}  // namespace kvx::inline v0
