#pragma once

#include <kvx/core/dtype.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/rope.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace kvx::inline v0 {

/// The cached rows of one KV head: a key, a value and a position each, in the order of their positions. Heads have
/// their own lengths, so that a head-wise budget really frees memory.
class HeadCache {
 public:
  /// `dtype` is f32 or bf16.
  HeadCache(Dtype dtype, Index head_dim) : dtype_(dtype), head_dim_(head_dim) {}

  Dtype dtype() const { return dtype_; }
  Index head_dim() const { return head_dim_; }
  Index rows() const { return static_cast<Index>(positions_.size()); }
  std::span<const Position> positions() const { return positions_; }

  /// The keys, [rows, head_dim]. `T` is the cache's dtype; edits are in place.
  template <class T>
  MatrixView<const T> keys() const {
    return view(reinterpret_cast<const T*>(keys_.data()), rows(), head_dim_, head_dim_);
  }
  template <class T>
  MatrixView<T> keys() {
    return view(reinterpret_cast<T*>(keys_.data()), rows(), head_dim_, head_dim_);
  }
  /// The values, [rows, head_dim].
  template <class T>
  MatrixView<const T> values() const {
    return view(reinterpret_cast<const T*>(values_.data()), rows(), head_dim_, head_dim_);
  }
  template <class T>
  MatrixView<T> values() {
    return view(reinterpret_cast<T*>(values_.data()), rows(), head_dim_, head_dim_);
  }

  /// Calls f(keys, values) with the views of the cache's dtype.
  template <class F>
  void visit(F&& f) const {
    dtype_ == Dtype::bf16 ? f(keys<BF16>(), values<BF16>()) : f(keys<float>(), values<float>());
  }

  /// Makes room for `rows` in all, and for no more.
  void reserve(Index rows) {
    keys_.reserve(static_cast<std::size_t>(rows) * row_bytes());
    values_.reserve(static_cast<std::size_t>(rows) * row_bytes());
    positions_.reserve(static_cast<std::size_t>(rows));
  }

  /// Adds one row, rounded to the cache's dtype. `key` and `value` are [head_dim]; positions ascend.
  void append(Position position, const float* key, const float* value) {
    const std::size_t size = keys_.size();
    keys_.resize(size + row_bytes());
    values_.resize(size + row_bytes());
    positions_.push_back(position);
    dtype_ == Dtype::bf16 ? write_last<BF16>(key, value) : write_last<float>(key, value);
  }

  /// A copy of the rows `kept` (ascending) alone, allocated at its size.
  HeadCache compacted(std::span<const Index> kept) const {
    HeadCache small(dtype_, head_dim_);
    small.keys_.resize(kept.size() * row_bytes());
    small.values_.resize(kept.size() * row_bytes());
    small.positions_.reserve(kept.size());
    std::size_t to = 0;
    for (const Index from : kept) {
      const std::size_t source = static_cast<std::size_t>(from) * row_bytes();
      std::memcpy(small.keys_.data() + to, keys_.data() + source, row_bytes());
      std::memcpy(small.values_.data() + to, values_.data() + source, row_bytes());
      small.positions_.push_back(positions_[static_cast<std::size_t>(from)]);
      to += row_bytes();
    }
    return small;
  }

  /// Allocated bytes: keys, values and positions.
  std::size_t bytes() const { return keys_.capacity() + values_.capacity() + positions_.capacity() * sizeof(Position); }

 private:
  std::size_t row_bytes() const { return static_cast<std::size_t>(head_dim_) * size_of(dtype_); }
  template <class T>
  void write_last(const float* key, const float* value) {
    for (Index d = 0; d < head_dim_; ++d) {
      keys<T>()(rows() - 1, d) = static_cast<T>(key[d]);
      values<T>()(rows() - 1, d) = static_cast<T>(value[d]);
    }
  }

  Dtype dtype_;
  Index head_dim_;
  std::vector<std::byte> keys_, values_;  // [rows, head_dim] of dtype
  std::vector<Position> positions_;
};

}  // namespace kvx::inline v0
