#pragma once

#include <kvx/cache/quantize.hpp>
#include <kvx/core/dtype.hpp>
#include <kvx/core/error.hpp>
#include <kvx/core/line_allocator.hpp>
#include <kvx/core/tensor_view.hpp>
#include <kvx/kernels/quantized_view.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kvx::inline v0 {

/// Keys or values of one KV head, quantized in groups, values per token. Scales and zeros are F16, and codes are of
/// their rounded values, so that the error of an element is at most half a scale, or the rounding error of F16. A row
/// is quantized once: if others of its group are evicted, it keeps its codes, and the group keeps its scales.
/// QuantizedView describes the layout; attend_quantized() computes attention from it.
class QuantizedRows {
 public:
  enum class Of { keys, values };

  QuantizedRows(Of of, const Quantization& how, Index head_dim) : of_(of), how_(how), head_dim_(head_dim) {
    how.validate();
    if (of == Of::values && per_channel())
      throw Error("quantized rows: axis", "expected per_token for values, found per_channel");
    if (how.group % kQuantizedLanes != 0)
      throw Error("quantized rows: group", "expected a multiple of 16, found " + std::to_string(how.group));
  }

  const Quantization& how() const { return how_; }
  Index rows() const { return rows_; }
  Index head_dim() const { return head_dim_; }

  /// Makes room for `rows` in all, and for no more.
  void reserve(Index rows) {
    codes_.reserve(words(rows));
    scales_.reserve(groups(rows));
    zeros_.reserve(groups(rows));
  }

  /// Frees all unused memory.
  void shrink_to_fit() {
    codes_.shrink_to_fit();
    scales_.shrink_to_fit();
    zeros_.shrink_to_fit();
    group_ends_.shrink_to_fit();
  }

  /// Adds rows [count, head_dim]; per channel in whole groups. Elements are within F16's range.
  void append(MatrixView<const float> rows) {
    if (per_channel() && rows.rows() % how_.group != 0)
      throw Error("quantized rows: append", "expected a multiple of " + std::to_string(how_.group) + " rows, found " +
                                                std::to_string(rows.rows()));
    if (!(rows.array().abs() <= 65504).all())
      throw Error("quantized rows: append", "expected elements within 65504, found others");
    const Index all = rows_ + rows.rows();
    if (!group_ends_.empty()) add_group_ends(all);
    if (words(all) > codes_.capacity() || groups(all) > scales_.capacity()) reserve(padded(all));
    codes_.resize(words(all), 0u);
    scales_.resize(groups(all));
    zeros_.resize(groups(all));
    const Index side_by_side = keys() == per_channel() ? kQuantizedLanes : 1;  // successive elements of a group
    Place to = {};
    each_group<F16>(rows, how_, [&](Index j, Index d, const auto& elements, const QuantizedGroup& group) {
      const std::size_t at = group_of(rows_ + j, d);
      scales_[at] = static_cast<F16>(group.scale);
      zeros_[at] = static_cast<F16>(group.zero);
      for (Index i = 0; i < elements.size(); ++i) {
        const Index y = per_channel() ? i : 0, x = i - y;
        const Index lane = per_channel() ? rows_ + j + y : d + x;
        if (i == 0 || lane % side_by_side == 0) to = place(rows_ + j + y, d + x);
        codes_[to.word++] |= std::uint32_t{group.code(elements(y, x), how_.bits)} << to.shift;
      }
    });
    rows_ = all;
  }

  /// A copy of only the rows `kept` (ascending), with their codes, scales and zeros, without unused memory.
  QuantizedRows compacted(std::span<const Index> kept) const {
    QuantizedRows small(of_, how_, head_dim_);
    small.rows_ = static_cast<Index>(kept.size());
    if (per_channel()) small.group_ends_ = ends_of(kept);
    small.codes_.resize(small.words(small.rows_), 0u);
    small.scales_.resize(small.groups(small.rows_));
    small.zeros_.resize(small.scales_.size());
    for (Index to = 0; to < small.rows_; ++to) {
      const Index from = kept[static_cast<std::size_t>(to)];
      for (Index d = 0; d < head_dim_; ++d) {
        const auto [word, shift] = small.place(to, d);
        small.codes_[word] |= std::uint32_t{code(from, d)} << shift;
        const std::size_t group = small.group_of(to, d), old_group = group_of(from, d);
        small.scales_[group] = scales_[old_group];
        small.zeros_[group] = zeros_[old_group];
      }
    }
    return small;
  }

  /// Rows [first, first + count) as floats, to [count, head_dim].
  void dequantize(Index first, Index count, float* out) const {
    for (Index j = first; j < first + count; ++j)
      for (Index d = 0; d < head_dim_; ++d) {
        const std::size_t group = group_of(j, d);
        const QuantizedGroup steps{static_cast<float>(scales_[group]), static_cast<float>(zeros_[group])};
        *out++ = steps.value(code(j, d));
      }
  }

  QuantizedView view() const {
    return {codes_.data(), scales_.data(), zeros_.data(),  rows_,      head_dim_,
            how_.bits,     how_.group,     !per_channel(), group_ends_};
  }

  /// The bytes of `rows` rows if none has been evicted: codes, scales and zeros.
  static std::size_t bytes(Of of, const Quantization& how, Index head_dim, Index rows) {
    const QuantizedRows none(of, how, head_dim);
    return none.words(rows) * sizeof(std::uint32_t) + 2 * none.groups(rows) * sizeof(F16);
  }
  /// Allocated bytes: codes, scales, zeros and group_ends.
  std::size_t bytes() const {
    return (codes_.capacity() + group_ends_.capacity()) * sizeof(std::uint32_t) +
           (scales_.capacity() + zeros_.capacity()) * sizeof(F16);
  }

 private:
  /// Where an element's code stands.
  struct Place {
    std::size_t word;
    int shift;
  };

  bool keys() const { return of_ == Of::keys; }
  bool per_channel() const { return how_.axis == Quantization::Axis::per_channel; }
  Index codes_per_word() const { return 32 / how_.bits; }
  static Index parts(Index whole, Index part) { return (whole + part - 1) / part; }

  /// Words that `rows` take.
  std::size_t words(Index rows) const {
    return static_cast<std::size_t>(keys() ? padded(rows) * parts(head_dim_, codes_per_word())
                                           : parts(rows, codes_per_word()) * padded(head_dim_));
  }
  /// The number of scales of `rows` rows.
  std::size_t groups(Index rows) const {
    if (!group_ends_.empty()) return group_ends_.size() * static_cast<std::size_t>(head_dim_);
    return static_cast<std::size_t>(per_channel() ? rows / how_.group * head_dim_
                                                  : (keys() ? padded(rows) : rows) * parts(head_dim_, how_.group));
  }
  std::size_t group_of(Index row, Index channel) const {
    if (per_channel()) return static_cast<std::size_t>(row_group(row) * head_dim_ + channel);
    const Index group = channel / how_.group, lane = row % kQuantizedLanes;
    return keys() ? groups(row - lane) + static_cast<std::size_t>(group * kQuantizedLanes + lane)
                  : groups(row) + static_cast<std::size_t>(group);
  }
  /// The group of a row, for quantization per channel.
  Index row_group(Index row) const {
    if (group_ends_.empty()) return row / how_.group;
    return std::upper_bound(group_ends_.begin(), group_ends_.end(), row, std::less<>()) - group_ends_.begin();
  }
  /// The ends of the groups among the rows `kept`, for quantization per channel; empty if the groups are complete.
  std::vector<std::uint32_t> ends_of(std::span<const Index> kept) const {
    std::vector<std::uint32_t> ends;
    Index last = -1;
    bool whole = static_cast<Index>(kept.size()) % how_.group == 0;
    for (std::size_t to = 0; to < kept.size(); ++to) {
      const Index group = row_group(kept[to]);
      if (group != last && to > 0) ends.push_back(static_cast<std::uint32_t>(to));
      whole &= (group == last) == (static_cast<Index>(to) % how_.group != 0);
      last = group;
    }
    if (whole) return {};
    ends.push_back(static_cast<std::uint32_t>(kept.size()));
    ends.shrink_to_fit();
    return ends;
  }
  /// Adds the ends of the complete groups that the rows up to `all` will form, for quantization per channel.
  void add_group_ends(Index all) {
    group_ends_.reserve(group_ends_.size() + static_cast<std::size_t>((all - rows_) / how_.group));
    for (Index end = rows_ + how_.group; end <= all; end += how_.group)
      group_ends_.push_back(static_cast<std::uint32_t>(end));
  }
  std::uint8_t code(Index row, Index channel) const {
    const auto [word, shift] = place(row, channel);
    return static_cast<std::uint8_t>(codes_[word] >> shift & ((1u << how_.bits) - 1));
  }
  Place place(Index row, Index channel) const {
    const Index codes = codes_per_word(), lanes = kQuantizedLanes;
    if (keys())
      return {words(row / lanes * lanes) + static_cast<std::size_t>(channel / codes * lanes + row % lanes),
              static_cast<int>(channel % codes) * how_.bits};
    return {words(row / codes * codes) + static_cast<std::size_t>(channel), static_cast<int>(row % codes) * how_.bits};
  }
  static Index padded(Index count) { return parts(count, kQuantizedLanes) * kQuantizedLanes; }

  Of of_;
  Quantization how_;
  Index head_dim_, rows_ = 0;
  LineVector<std::uint32_t> codes_;
  LineVector<F16> scales_, zeros_;
  std::vector<std::uint32_t> group_ends_;  // as QuantizedView::group_ends
};

}  // namespace kvx::inline v0
